import { expect } from 'chai';

import { startAll } from '../store/support.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, trying again', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send, submit, idOf, read, complete, stored } = api;

  async function fail(id: string): Promise<void> {
    const token = await startAll(api.store(), [await read(id)]);
    const error = { code: 'TASK_ERROR', message: 'no' };
    await api.store().tasks.finish([{ id, token, outcome: { kind: 'failed', error } }]);
  }
  const retry = (id: string, headers: Record<string, string> = {}) => send(`/tasks/${id}/retry`, { method: 'POST', headers });

  it('makes a new task that wants the same, and names the old one', async () => {
    await send('/resources/gpu', { method: 'PUT', body: { capacity: 4 } });
    const wish = {
      ...{ name: 'anything', kwargs: { a: [1, { b: null }] }, queue: 'q1', priority: 9, tags: ['x'] },
      ...{ exclusive: ['repo/**'], shared: ['s'], counted: { gpu: 2 }, concurrency: { key: 'k', max: 3 } },
      ...{ maxAttempts: 5, retry: { delay: 2, backoff: 'fixed', jitter: false }, onWorkerLoss: 'requeue' },
      ...{ softTimeLimit: 5, timeLimit: 10, stallAfter: 3, rateLimit: '5/10s', rateKey: 'r' },
      ...{ unique: { key: 'u' }, expires: 3_600, countdown: 0.001 },
    };
    const first = (await submit(wish, { 'x-request-id': 'first' })).body;
    await send(`/tasks/${first.id}/cancel`, { method: 'POST' });
    const { status, headers, body } = await retry(first.id, { 'x-request-id': 'second' });
    expect([status, headers.location]).to.deep.equal([202, `/api/v1/tasks/${body.id}`]);
    const { id, href, createdAt, readyAt, ...rest } = body as unknown as Record<string, unknown>;
    const { createdAt: before, ...old } = (await send(`/tasks/${first.id}`)).body as unknown as Record<string, unknown>;
    expect([id === first.id, href === old.href, createdAt === before, readyAt === createdAt]).to.deep.equal([
      ...[false, false, false],
      true,
    ]);
    expect(rest).to.deep.equal({
      ...Object.fromEntries(Object.entries(old).filter(([name]) => !['id', 'href', 'readyAt'].includes(name))),
      ...{ state: 'waiting', waitingFor: 'resources', reason: null, finishedAt: null, dueAt: null, expiresAt: null },
      ...{ retryOf: first.id, correlationId: 'second' },
    });
    expect((await send(`/tasks/${first.id}`)).body.state).to.equal('canceled');
  });

  it('gives the same task for the same key, and 422 where that stood for another one', async () => {
    const [a, b] = [await idOf({ name: 'anything' }), await idOf({ name: 'anything' })];
    for (const id of [a, b]) await fail(id);
    const key = { 'idempotency-key': 'once' };
    const first = await retry(a, key);
    const again = await retry(a, key);
    expect([again.status, again.headers['idempotency-replayed'], again.body.id]).to.deep.equal([202, 'true', first.body.id]);
    const other = await retry(b, key);
    expect([other.status, other.body.code]).to.deep.equal([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect((await retry(a)).body.id).to.not.equal(first.body.id);
    expect(await stored()).to.equal(4);
  });

  it('keeps the family and the group, and gives up the place in the workflow', async () => {
    const parent = await idOf({ name: 'anything' });
    const child = await idOf({ name: 'anything', parent });
    await fail(child);
    expect((await retry(child)).body).to.include({ parent, root: parent });
    const nodes = { a: { name: 'anything' }, b: { name: 'anything', after: ['a'] } };
    const { group, members } = (await send('/workflows', { body: { tasks: nodes } })).body as unknown as {
      group: { id: string };
      members: Record<string, { id: string }>;
    };
    const a = members.a!.id;
    await fail(a);
    expect((await retry(a)).body).to.include({ group: group.id, node: null, after: null, join: null, retryOf: a });
  });

  it('reserves what its type says now, beside what the record says', async () => {
    const id = await idOf({ name: 'repository.sync', kwargs: { repository: 'a' }, shared: ['b'] });
    await send(`/tasks/${id}/cancel`, { method: 'POST' });
    await api.spoil(id, { $set: { exclusive: ['earlier'] } });
    expect((await retry(id)).body).to.deep.include({ exclusive: ['earlier', 'repository:a'], shared: ['b'] });
  });

  it('refuses what has not ended, and what neither failed nor was canceled', async () => {
    const id = await idOf({ name: 'anything' });
    for (const [code, then] of [
      ['TASK_NOT_FINAL', () => complete(id)],
      ['CONFLICT', () => api.spoil(id, { $set: { state: 'skipped' } })],
      ['CONFLICT', () => Promise.resolve()],
    ] as const) {
      const { status, body } = await retry(id);
      expect([status, body.code]).to.deep.equal([409, code]);
      await then();
    }
    expect(await stored()).to.equal(1);
  });

  it('refuses what its type does not take any more, and a type that is gone', async () => {
    const id = await idOf({ name: 'repository.sync', kwargs: { repository: 'a' } });
    await send(`/tasks/${id}/cancel`, { method: 'POST' });
    await api.spoil(id, { $set: { kwargs: '{"repo":"a"}' } });
    const invalid = await retry(id);
    expect([invalid.status, invalid.body.code]).to.deep.equal([400, 'VALIDATION_FAILED']);
    expect(invalid.body.errors.map(({ pointer }) => pointer)).to.include('/kwargs/repository');
    await api.spoil(id, { $set: { name: 'gone' } });
    expect((await retry(id)).body.code).to.equal('UNKNOWN_TASK_TYPE');
    expect((await retry('01890000-0000-7000-8000-000000000000')).status).to.equal(404);
    expect((await send(`/tasks/${id}/retry`, { body: { queue: 'other' } })).status).to.equal(400);
  });

  it('does not guess at a damaged record', async () => {
    const id = await idOf({ name: 'anything' });
    await send(`/tasks/${id}/cancel`, { method: 'POST' });
    await api.spoil(id, { $set: { exclusive: 'all' } });
    const { status, body } = await retry(id);
    expect([status, body.code]).to.deep.equal([409, 'CONFLICT']);
    expect(body.detail).to.include('damaged');
  });
});
