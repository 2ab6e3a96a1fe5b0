import { expect } from 'chai';

import { WORKER, granted, lead, newTask, reserving, startAll } from '../store/support.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, watching', function () {
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

    it('declares the units of a resource, shows who has some, and takes them back', async () => {
      const gpu = '/resources/rack%2Fgpu';
      const put = (capacity: unknown, path = gpu) => send(path, { method: 'PUT', body: { capacity } });
      expect((await send(gpu)).body).to.include({ capacity: null, held: null });
      expect([(await put(2)).status, (await put(3)).status]).to.deep.equal([201, 200]);
      expect((await send(gpu)).body).to.include({ name: 'rack/gpu', capacity: 3, held: 0 });
      const lease = await lead(api.store());
      const counted = [{ name: 'rack/gpu', units: 2, capacity: 3 }];
      const [holder] = await granted(api.store(), lease, newTask({ counted, waitingFor: 'resources' }));
      const pattern = await idOf({ name: 'anything', shared: ['rack/**'] });
      const next = await send('/tasks', { method: 'POST', body: { name: 'anything', counted: { 'rack/gpu': 2 } } });
      expect(next.body).to.deep.include({ counted: { 'rack/gpu': 2 }, concurrency: null, waitingFor: 'resources' });
      const { body } = await send(gpu);
      expect(body).to.include({ capacity: 3, held: 2 });
      expect(body.holders[0]).to.deep.include({ task: holder!.id, resource: 'rack/gpu', mode: 'counted', units: 2 });
      expect(body.waiting.map(each => [each.task, each.resource, each.mode, each.units])).to.deep.equal([
        [pattern, 'rack/**', 'shared', null],
        [next.body.id, 'rack/gpu', 'counted', 2],
      ]);
      const [standing] = (await send(`/tasks/${next.body.id}/explain`)).body.resources;
      expect(standing).to.deep.include({ mode: 'counted', units: 2, capacity: 3, held: 2, ahead: [pattern], position: 2 });
      const dry = await send('/tasks?dryRun=true', { method: 'POST', body: { name: 'anything', counted: { 'rack/gpu': 1 } } });
      expect(dry.body.blockedBy).to.have.members([holder!.id, pattern, next.body.id]);
      expect((await send(gpu, { method: 'DELETE' })).status).to.equal(204);
      expect((await send(gpu, { method: 'DELETE' })).status).to.equal(404);
    });

    it('refuses units that make no sense, or of what has none', async () => {
      const pointer = async (path: string, capacity: unknown) => {
        const { status, body } = await send(path, { method: 'PUT', body: { capacity } });
        return [status, body.errors[0]?.pointer];
      };
      expect(await pointer('/resources/gpu', 0)).to.deep.equal([400, '/capacity']);
      expect(await pointer('/resources/gpu', '4')).to.deep.equal([400, '/capacity']);
      expect(await pointer('/resources/gpu%2F**', 4)).to.deep.equal([400, ':name']);
      expect(await pointer('/resources/concurrency%3Ak', 4)).to.deep.equal([400, ':name']);
    });

    it('shows a limit as what it waits for, and as a resource', async () => {
      const limited = { name: 'anything', concurrency: { key: 'k', max: 1 } };
      const first = await send('/tasks', { method: 'POST', body: limited });
      expect(first.body).to.deep.include({ concurrency: { key: 'k', max: 1 }, counted: {}, waitingFor: 'limit' });
      const line = await send('/resources/concurrency%3Ak');
      expect(line.body).to.include({ capacity: 1, held: 0 });
      expect(line.body.waiting.map(each => each.task)).to.deep.equal([first.body.id]);
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
      const two = [newTask({ queue: 'default' }), newTask({ queue: 'nobody' })];
      await api.store().tasks.insert(two, await api.store().tasks.takeNumbers(2));
      await send(`/tasks/${await api.idOf({ name: 'anything', queue: 'unused' })}/cancel`, { method: 'POST' });
      const all = (await send('/queues')).body.items;
      const queues = all.filter(({ name }) => name !== 'nobody');
      expect(
        all.find(({ name }) => name === 'nobody'),
        'consumed by nobody',
      ).to.deep.include({ name: 'nobody', waiting: 1 });
      expect(queues).to.have.length(2);
      expect(queues[0]).to.have.property('oldestAgeSeconds').that.is.within(0, 60);
      expect(queues[0]).to.deep.include({ name: 'default', waiting: 1, messages: 3, consumers: 1 });
      expect(queues[1]).to.deep.include({ name: 'other', waiting: 0, oldest: null, oldestAgeSeconds: null });
      const types = (await send('/task-types')).body.items;
      expect(types.map(({ name }) => name)).to.deep.equal(['anything', 'calculator.add', 'repository.sync']);
      expect(types[2]?.input).to.have.nested.property('properties.repository.type', 'string');
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
