import { expect } from 'chai';

import { WORKER, lead, startAll } from '../store/support.js';
import type { Answer, Asking } from './fixture.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, reading and ending', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send, submit, idOf, read, complete, broker } = api;

  describe('listing', () => {
    it('walks forwards and backwards through every task once', async () => {
      for (let n = 0; n < 7; n++) await submit({ name: 'calculator.add', args: [n] });
      const values = ({ body }: Answer) => body.items.map(({ args }) => args[0]);
      const first = await send('/tasks?limit=3');
      expect(values(first)).to.deep.equal([6, 5, 4]);
      expect(first.body.prev).to.equal(null);
      const follow = (path: string) => send(path.replace('/api/v1', ''));
      const second = await follow(first.body.next);
      const third = await follow(second.body.next);
      expect([values(second), values(third), third.body.next]).to.deep.equal([[3, 2, 1], [0], null]);
      const back = await follow(third.body.prev);
      expect(values(back)).to.deep.equal([3, 2, 1]);
      const start = await follow(back.body.prev);
      expect([values(start), start.body.prev]).to.deep.equal([[6, 5, 4], null]);
      expect(second.headers.link).to.include('rel="next"').and.include('rel="prev"');
      expect(values(await send('/tasks?limit=2&sort=createdAt'))).to.deep.equal([0, 1]);
    });

    it('filters: a repeated one means or, different ones mean and', async () => {
      const add = await idOf({ name: 'calculator.add', tags: ['x'], queue: 'q1' });
      const any = await idOf({ name: 'anything', tags: ['x'] });
      const sync = await idOf({ name: 'repository.sync', kwargs: { repository: 'a' } });
      const ids = async (query: string) => (await send(`/tasks?sort=createdAt&${query}`)).body.items.map(({ id }) => id);
      expect(await ids('name=calculator.add&name=anything')).to.deep.equal([add, any]);
      expect(await ids('tag=x&queue=q1')).to.deep.equal([add]);
      expect(await ids('resource=repository:a')).to.deep.equal([sync]);
      expect(await ids('state=running')).to.deep.equal([]);
      expect(await ids('createdAfter=2999-01-01T00:00:00Z')).to.deep.equal([]);
      expect(await ids('createdBefore=2999-01-01T00:00:00Z&state=waiting')).to.deep.equal([add, any, sync]);
      expect(await ids('name=no-such-type')).to.deep.equal([]);
    });

    it('shows exactly the fields that are asked for, and a count', async () => {
      await submit({ name: 'anything' });
      const { body } = await send('/tasks?fields=id,state&fields=name&count=true');
      expect(Object.keys(body.items[0]!).sort()).to.deep.equal(['id', 'name', 'state']);
      expect(body).to.include({ count: 1, countCapped: false });
    });

    it('refuses a cursor of another filter', async () => {
      await submit({ name: 'anything' });
      await submit({ name: 'anything' });
      const { body } = await send('/tasks?limit=1');
      const answer = await send(`${body.next.replace('/api/v1', '')}&state=waiting`);
      expect([answer.status, answer.body.errors[0]?.pointer]).to.deep.equal([400, '?cursor']);
    });

    it('summarizes by state, with a zero for every state that no task is in', async () => {
      await submit({ name: 'anything' });
      expect((await send('/tasks/summary?by=state')).body).to.deep.equal({
        by: 'state',
        counts: { waiting: 1, running: 0, canceling: 0, completed: 0, failed: 0, canceled: 0, skipped: 0 },
      });
    });
  });

  describe('one task', () => {
    it('answers 304 as long as nothing changed, and the task when it did', async () => {
      const id = await idOf({ name: 'anything' });
      const { etag } = (await send(`/tasks/${id}`)).headers;
      const same = await send(`/tasks/${id}`, { headers: { 'if-none-match': etag! } });
      expect([same.status, same.headers.etag, same.body]).to.deep.equal([304, etag, undefined]);
      await complete(id);
      const changed = await send(`/tasks/${id}`, { headers: { 'if-none-match': etag! } });
      expect([changed.status, changed.body.state]).to.deep.equal([200, 'completed']);
      expect(changed.body.attempts).to.deep.include.members([
        { ...changed.body.attempts[0], n: 1, worker: WORKER.worker, reason: 'completed' },
      ]);
    });

    it('of a group, answers 304 as long as its counts are the same', async () => {
      const { id } = (await send('/task-groups', { body: { name: 'g' } })).body;
      const { etag } = (await send(`/task-groups/${id}`)).headers;
      const same = await send(`/task-groups/${id}`, { headers: { 'if-none-match': `"other", W/${etag}` } });
      expect([same.status, same.headers.etag, same.body]).to.deep.equal([304, etag, undefined]);
      await submit({ name: 'anything', group: id });
      const changed = await send(`/task-groups/${id}`, { headers: { 'if-none-match': etag! } });
      expect(changed.status).to.equal(200);
      expect(changed.headers.etag).to.not.equal(etag);
    });

    it('waits until it is final, at most as long as asked', async () => {
      const id = await idOf({ name: 'anything' });
      const waiting = send(`/tasks/${id}`, { headers: { prefer: 'wait=30' } });
      await complete(id);
      const answer = await waiting;
      expect([answer.status, answer.body.state, answer.headers['preference-applied']]).to.deep.equal([
        200,
        'completed',
        'wait=30',
      ]);
      const other = await idOf({ name: 'anything' });
      expect((await send(`/tasks/${other}`, { headers: { prefer: 'wait=1' } })).body.state).to.equal('waiting');
    });

    it('is cancelled with an empty body or none, once', async () => {
      const id = await idOf({ name: 'anything' });
      const canceled = await send(`/tasks/${id}/cancel`, { method: 'POST' });
      expect(canceled.status).to.equal(202);
      expect(canceled.body).to.include({ state: 'canceled', reason: 'user' });
      const again = await send(`/tasks/${id}/cancel`, { method: 'POST', body: {} });
      expect([again.status, again.body.code]).to.deep.equal([409, 'TASK_FINAL']);
    });

    it('that runs is canceling at first, and its worker hears of it', async () => {
      const id = await idOf({ name: 'anything' });
      await startAll(api.store(), [await read(id)]);
      for (let times = 0; times < 2; times++) {
        const { status, body } = await send(`/tasks/${id}/cancel`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
        });
        expect([status, body.state]).to.deep.equal([202, 'canceling']);
      }
      expect(broker().controls).to.deep.include({ kind: 'cancel', task: id });
    });

    it('is deleted when it has ended, not before', async () => {
      const id = await idOf({ name: 'anything' });
      const early = await send(`/tasks/${id}`, { method: 'DELETE' });
      expect([early.status, early.body.code]).to.deep.equal([409, 'TASK_NOT_FINAL']);
      await send(`/tasks/${id}/cancel`, { method: 'POST' });
      expect((await send(`/tasks/${id}`, { method: 'DELETE' })).status).to.equal(204);
      expect((await send(`/tasks/${id}`, { method: 'DELETE' })).status).to.equal(404);
    });

    describe('deleting many', () => {
      const purge = (query: string, prefer?: string) =>
        send(`/tasks${query}`, { method: 'DELETE', headers: prefer === undefined ? {} : { prefer } });
      /** As a resource manager does that has read everything. */
      async function raiseFloor(): Promise<void> {
        const lease = await lead(api.store());
        lease.floor = await api.store().tasks.takeNumbers(1);
        await api.store().leases.renew(lease, 60_000);
      }

      it('takes what has ended in the given states, and tells how much when asked to', async () => {
        const ids = await Promise.all(Array.from({ length: 4 }, () => idOf({ name: 'anything' })));
        for (const id of ids.slice(0, 2)) await complete(id);
        await send(`/tasks/${ids[2]}/cancel`, { method: 'POST' });
        expect((await purge('?state=completed', 'return=representation')).body).to.deep.equal({
          deleted: 0,
          kept: 2,
          more: false,
        });
        await raiseFloor();
        const answer = await purge('?state=completed', 'return=representation');
        expect([answer.status, answer.headers['preference-applied']]).to.deep.equal([200, 'return=representation']);
        expect(answer.body).to.deep.equal({ deleted: 2, kept: 0, more: false });
        expect((await purge('?state=canceled&finishedBefore=2020-01-01T00:00:00Z')).status).to.equal(204);
        expect(await api.stored()).to.equal(2);
        const bare = await purge('?state=canceled&state=failed&state=canceled');
        expect(bare.status).to.equal(204);
        expect((await read(ids[3]!)).state).to.equal('waiting');
        expect(await api.stored()).to.equal(1);
      });

      it('deletes nothing where the states are not given, or not all final', async () => {
        await complete(await idOf({ name: 'anything' }));
        await raiseFloor();
        for (const [query, status, code] of [
          ['', 400, 'VALIDATION_FAILED'],
          ['?state=gone', 400, 'VALIDATION_FAILED'],
          ['?state=completed&finishedBefore=soon', 400, 'VALIDATION_FAILED'],
          ['?state=completed&name=anything', 400, 'VALIDATION_FAILED'],
          ['?state=completed&state=running', 409, 'TASK_NOT_FINAL'],
        ] as const) {
          const answer = await purge(query);
          expect([answer.status, answer.body.code], query).to.deep.equal([status, code]);
        }
        expect(await api.stored()).to.equal(1);
      });
    });

    it('that does not exist is a missing resource everywhere', async () => {
      const path = '/tasks/01890000-0000-7000-8000-000000000000';
      for (const [each, asking] of [
        [path, {}],
        [path, { headers: { prefer: 'wait=5' } }],
        [path, { method: 'DELETE' }],
        [`${path}/explain`, {}],
        [`${path}/cancel`, { method: 'POST' }],
      ] as [string, Asking][]) {
        const { status, body } = await send(each, asking);
        expect([status, body.code], each).to.deep.equal([404, 'MISSING_RESOURCE']);
      }
    });
  });
});
