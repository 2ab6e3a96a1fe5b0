import { expect } from 'chai';

import { WORKER, granted, lead, newTask, reserving, startAll } from '../store/support.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, watching and scheduling', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send, idOf, read } = api;

  describe('looking into it', () => {
    it('explains who holds, who is ahead, and shows the same line at the resource', async () => {
      const lease = await lead(api.store());
      const [holder] = await granted(api.store(), lease, reserving(['repository:a'], [], { waitingFor: 'resources' }));
      await startAll(api.store(), [holder!]);
      const ahead = await idOf({ name: 'repository.sync', kwargs: { repository: 'a' } });
      const last = await idOf({ name: 'repository.sync', kwargs: { repository: 'a' } });
      const { body } = await send(`/tasks/${last}/explain`);
      const [line] = body.resources;
      expect(line?.holders.map(each => [each.task, each.worker])).to.deep.equal([[holder!.id, WORKER.worker]]);
      expect([line?.ahead, line?.position]).to.deep.equal([[ahead], 2]);
      expect(body.text).to.include(holder!.id).and.include('1 task stands in line before it');

      const resource = await send(`/resources/${encodeURIComponent('repository:a')}`);
      expect(resource.body.holders.map(({ task }) => task)).to.deep.equal([holder!.id]);
      expect(resource.body.waiting.map(each => [each.task, each.position])).to.deep.equal([
        [ahead, 1],
        [last, 2],
      ]);
    });

    it('shows a resource that nobody uses as free', async () => {
      const { status, body } = await send(`/resources/${encodeURIComponent('https://example.org/a b/?c=1')}`);
      expect(status).to.equal(200);
      expect(body).to.deep.include({ name: 'https://example.org/a b/?c=1', holders: [], waiting: [] });
    });

    it('shows workers with their heartbeat, slots and tasks', async () => {
      const store = api.store;
      await store().processes.register(
        { ...PROCESS, name: WORKER.worker, role: 'worker', incarnation: WORKER.incarnation },
        60_000,
      );
      const id = await idOf({ name: 'anything' });
      await startAll(store(), [await read(id)]);
      const { body } = await send('/workers');
      expect(body.items[0]).to.deep.include({
        name: WORKER.worker,
        online: true,
        slots: 2,
        freeSlots: 1,
        tasks: [id],
      });
      expect((await send(`/workers/${encodeURIComponent(WORKER.worker)}`)).body).to.deep.include({ state: 'live', tasks: [id] });
      expect((await send('/workers/nobody')).status).to.equal(404);
    });

    it('is healthy with a leading resource manager, a beat and a worker, and says what is missing else', async () => {
      const { processes, leases } = api.store();
      const register = (name: string, role: 'worker' | 'beat' | 'resource-manager') =>
        processes.register({ ...PROCESS, name, role, incarnation: `${name}/1` }, 60_000);
      await register('w', 'worker');
      await register('b', 'beat');
      await register('rm', 'resource-manager');
      const without = (await send('/status')).body;
      expect([without.healthy, without.reasons]).to.deep.equal([false, ['No resource manager leads: nothing is granted.']]);
      await leases.acquire('resource-manager', { name: 'rm', incarnation: 'rm/1' }, 60_000);
      const { body } = await send('/status');
      expect([body.healthy, body.reasons]).to.deep.equal([true, []]);
      expect(body.resourceManagers[0]).to.include({ name: 'rm', leading: true, online: true });
      expect(body.beats[0]).to.include({ name: 'b', leading: false, online: true });
      await processes.register({ ...PROCESS, name: 'late', role: 'worker', incarnation: 'late/1' }, 1);
      await processes.stop('w', 'w/1');
      const gone = (await send('/status')).body;
      expect(gone.reasons).to.deep.equal(['No worker with slots is live: nothing is started.']);
      expect(gone.workers.map(each => [each.name, each.online])).to.deep.equal([['late', false]]);
    });

    it('is not healthy while a unique index is missing, and names it, also to who asks why a task waits', async () => {
      const id = await api.idOf({ name: 'anything', exclusive: ['a'] });
      const missing = 'The unique index "seq" of "tasks" is missing: run `interlock manage-db`.';
      await api.withoutIndex('seq', async () => {
        const { body } = await send('/status');
        expect(body.healthy).to.equal(false);
        expect(body.reasons).to.include(missing);
        expect((await send(`/tasks/${id}/explain`)).body.text).to.include(missing);
      });
      expect((await send('/status')).body.reasons).to.not.include(missing);
    });

    it('shows queues with their depth, and the types that can be submitted', async () => {
      await api.store().tasks.insert([newTask({ queue: 'default' })], await api.store().tasks.takeNumbers(1));
      const queues = (await send('/queues')).body.items;
      expect(queues).to.have.length(2);
      expect(queues[0]).to.deep.include({ name: 'default', waiting: 1, messages: 3, consumers: 1 });
      expect(queues[1]).to.deep.include({ name: 'other', waiting: 0, oldest: null });
      const types = (await send('/task-types')).body.items;
      expect(types.map(({ name }) => name)).to.deep.equal(['anything', 'calculator.add', 'repository.sync']);
      expect(types[2]?.input).to.have.nested.property('properties.repository.type', 'string');
    });
  });

  describe('schedules', () => {
    const task = { name: 'anything' };
    const add = (body: object) => send('/schedules', { body: { name: 'nightly', task, interval: 30, ...body } });

    it('begin now without an anchor, and on the grid with one', async () => {
      const now = await add({ interval: 'PT30S' });
      expect([now.status, now.headers.location]).to.deep.equal([201, `/api/v1/schedules/${now.body.id}`]);
      expect(now.body).to.deep.include({ interval: 30, misfire: 'one', task, lastTask: null, nextAt: now.body.anchor });
      const { now: serverNow, schedules } = await api.store().schedules.due(10);
      expect(schedules.map(({ id }) => id)).to.deep.equal([now.body.id]);
      expect(serverNow.getTime()).to.be.at.least(schedules[0]!.nextAt.getTime());

      const past = await add({ name: 'past', interval: 3_600, anchor: '2020-01-01T00:30:00Z', misfire: 'skip' });
      expect(past.body.nextAt).to.match(/:30:00\.000Z$/);
      const future = await add({ name: 'future', anchor: '2030-01-01T00:00:00Z' });
      expect(future.body.nextAt).to.equal('2030-01-01T00:00:00.000Z');
    });

    it('have names of their own', async () => {
      await add({});
      const second = await add({});
      expect([second.status, second.body.code]).to.deep.equal([409, 'CONFLICT']);
    });

    it('are listed, read and ended', async () => {
      const { body } = await add({});
      const path = `/schedules/${body.id}`;
      expect((await send('/schedules')).body.items).to.deep.equal([body]);
      expect((await send(path)).body).to.deep.equal(body);
      expect((await send(path, { method: 'DELETE' })).status).to.equal(204);
      expect((await send(path, { method: 'DELETE' })).status).to.equal(404);
      expect((await send(path)).status).to.equal(404);
    });
  });
});

const PROCESS = {
  host: 'h',
  bootId: 'b',
  pidNamespace: 'n',
  pid: 1,
  startTicks: 1,
  queues: ['default'],
  dedicated: false,
  slots: 2,
  versions: { interlock: '0', node: '20' },
};
