import { expect } from 'chai';

import { lead, startAll } from '../store/support.js';
import type { Answer } from './fixture.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, acting on many', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send, idOf, read, complete, stored } = api;

  const act = (action: string, filter: object, more: object = {}): Promise<Answer> =>
    send('/tasks/actions', { body: { action, filter, ...more } });
  const statesOf = async (ids: readonly string[]) => Promise.all(ids.map(async id => (await read(id)).state));
  const many = async (count: number, body: object = {}): Promise<string[]> => {
    const { body: answer } = await send('/tasks/batch', {
      body: { tasks: Array.from({ length: count }, () => ({ name: 'anything', ...body })) },
    });
    return answer.items.map(({ id }) => id);
  };
  async function fail(ids: readonly string[]): Promise<void> {
    const token = await startAll(api.store(), await Promise.all(ids.map(read)));
    const outcome = { kind: 'failed', error: { code: 'TASK_ERROR', message: 'no' } } as const;
    await api.store().tasks.finish(ids.map(id => ({ id, token, outcome })));
  }

  it('cancels all that wait or run and match, beyond one page, and nobody else', async () => {
    const slow = await many(120, { queue: 'slow' });
    const other = await idOf({ name: 'anything', queue: 'fast' });
    await startAll(api.store(), [await read(slow[0]!)]);
    await complete(slow[1]!);
    expect((await act('cancel', { queue: ['slow'] }, { dryRun: true })).body).to.deep.equal({
      ...{ action: 'cancel', dryRun: true, count: 119, countCapped: false },
      ...{ kept: 0, problems: [], next: null },
    });
    expect(await statesOf([slow[0]!, slow[5]!])).to.deep.equal(['running', 'waiting']);
    const { status, body } = await act('cancel', { queue: ['slow'] });
    expect([status, body.count, body.kept, body.next]).to.deep.equal([200, 119, 0, null]);
    expect(await statesOf([slow[0]!, slow[1]!, slow[2]!, slow[119]!, other])).to.deep.equal([
      ...['canceling', 'completed', 'canceled', 'canceled'],
      'waiting',
    ]);
    expect((await act('cancel', { queue: ['slow'] })).body.count, 'once more').to.equal(0);
  });

  it('retries each once, however often it is asked', async () => {
    const ids = await many(3, { tags: ['t'] });
    await fail(ids.slice(0, 2));
    const first = await act('retry', { tag: ['t'] });
    expect([first.status, first.body.count, first.body.kept]).to.deep.equal([200, 2, 0]);
    const again = await act('retry', { tag: ['t'], state: ['failed'] });
    expect([again.body.count, again.body.kept, again.body.problems]).to.deep.equal([0, 2, []]);
    const made = (await send('/tasks?tag=t&sort=createdAt')).body.items.map(({ retryOf }) => retryOf);
    expect(made.sort()).to.deep.equal([null, null, null, ids[0], ids[1]].sort());
    await fail((await send('/tasks?tag=t&state=waiting')).body.items.map(({ id }) => id).filter(id => !ids.includes(id)));
    expect((await act('retry', { tag: ['t'] })).body, 'the retries have failed, too').to.include({ count: 2, kept: 2 });
  });

  it('tells which it could not retry, and why', async () => {
    const id = await idOf({ name: 'repository.sync', kwargs: { repository: 'a' } });
    await send(`/tasks/${id}/cancel`, { method: 'POST' });
    await api.spoil(id, { $set: { name: 'gone' } });
    const { body } = await act('retry', { name: ['gone'] });
    expect(body).to.include({ count: 0, kept: 1 });
    expect(body.problems.map(({ task, code }) => [task, code])).to.deep.equal([[id, 'UNKNOWN_TASK_TYPE']]);
  });

  it('deletes what has ended and matches, and keeps what is held back', async () => {
    const { id: group } = (await send('/task-groups', { body: {} })).body;
    const held = await many(2, { group });
    const free = await many(3, { tags: ['t'] });
    for (const id of [held[0]!, ...free.slice(0, 2)]) await complete(id);
    const lease = await lead(api.store());
    lease.floor = await api.store().tasks.takeNumbers(1);
    await api.store().leases.renew(lease, 60_000);
    expect((await act('delete', { name: ['anything'] })).body).to.include({ count: 2, kept: 1 });
    expect(await stored()).to.equal(3);
    await send(`/tasks/${held[1]!}/cancel`, { method: 'POST' });
    expect((await act('delete', { group: [group], state: ['completed'] })).body).to.include({ count: 1, kept: 0 });
    expect(await stored()).to.equal(2);
  });

  it('does nothing without a filter, or with one that cannot be meant', async () => {
    await idOf({ name: 'anything' });
    for (const [body, pointer, reason] of [
      [{ action: 'cancel' }, '/filter', 'required'],
      [{ action: 'cancel', filter: {} }, '/filter', 'ambiguous'],
      [{ action: 'cancel', filter: { worker: [] } }, '/filter/worker', 'too_few'],
      [{ action: 'delete', filter: { resource: [] }, dryRun: true }, '/filter/resource', 'too_few'],
      [{ action: 'cancel', filter: { nmae: ['anything'] } }, '/filter/nmae', 'unknown_field'],
      [{ action: 'cancel', filter: { name: 'anything' } }, '/filter/name', 'type_mismatch'],
      [{ action: 'cancel', filter: { state: ['completed'] } }, '/filter/state/0', 'not_allowed'],
      [{ action: 'delete', filter: { state: ['failed', 'running'] } }, '/filter/state/1', 'not_allowed'],
      [{ action: 'retry', filter: { state: ['skipped'] } }, '/filter/state/0', 'not_allowed'],
      [{ action: 'purge', filter: { name: ['anything'] } }, '/action', 'not_allowed'],
      [{ action: 'cancel', filter: { name: ['anything'] }, cursor: 'x' }, '/cursor', 'bad_cursor'],
      [{ action: 'cancel', filter: { createdBefore: 'now' } }, '/filter/createdBefore', 'date_invalid'],
    ] as const) {
      const { status, body: problem } = await send('/tasks/actions', { body });
      const [first] = problem.errors;
      expect([status, first?.pointer, first?.reason], JSON.stringify(body)).to.deep.equal([400, pointer, reason]);
    }
    expect((await send('/tasks/summary')).body).to.have.nested.property('counts.waiting', 1);
  });
});
