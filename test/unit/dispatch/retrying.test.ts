import { expect } from 'chai';
import { Type } from 'typebox';

import { InterlockError } from '../../../src/core/errors.js';
import type { Task } from '../../../src/core/task.js';
import { retried, type RetryDeps } from '../../../src/dispatch/retrying.js';
import { catalogueOf } from '../../../src/dispatch/type-catalogue.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { Registry } from '../../../src/tasks/registry.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const handler = () => null;

/** As it is now: it has got a version, a retry policy, another lock and a limit since the records of these tests were made. */
const sync = defineTask({
  name: 'sync',
  version: 3,
  input: Type.Object({ repository: Type.String() }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  retry: { delay: 5 },
  maxAttempts: 4,
  timeLimit: 60,
  handler,
});
const deps: RetryDeps = {
  types: catalogueOf(Registry.of(sync)),
  unitsOf: names => Promise.resolve(new Map(names.filter(name => name === 'gpu').map(name => [name, 2]))),
  now: () => NOW,
  newId: () => 'new',
  hash: text => `hash of ${text}`,
};
const failed: Task = {
  ...{ id: 'old', seq: 7, name: 'sync', args: [], kwargs: { repository: 'a' }, queue: 'q', priority: 6, rank: 1 },
  ...{ exclusive: ['earlier'], shared: [], state: 'failed', attempt: 1, maxAttempts: 1, onWorkerLoss: 'cancel' },
  ...{ version: 1, correlationId: 'first', tags: ['t'], progress: [], createdResources: ['x'], attempts: [] },
  ...{ createdAt: NOW, readyAt: NOW, startedAt: NOW, finishedAt: NOW, error: { code: 'X', message: 'no' }, reason: 'timeout' },
  ...{ schedule: { id: 's', slot: NOW }, node: 'n', after: [{ node: 'm', id: 'i' }], join: 'all-final', group: 'g' },
  ...{ idempotency: { principal: 'p', key: 'k', bodyHash: 'h' }, dueAt: NOW, expiresAt: NOW },
};
const again = (change: Partial<Task> = {}, key?: string) =>
  retried({ ...failed, ...change }, { principal: 'anonymous', correlationId: 'second', idempotencyKey: key }, deps);

async function refusal(change: Partial<Task>): Promise<string> {
  const error: unknown = await again(change).catch((reason: unknown) => reason);
  if (!(error instanceof InterlockError)) return expect.fail('it was not refused');
  return `${error.code} ${error.errors[0]?.pointer ?? ''}`.trim();
}

describe('Trying a task again', () => {
  it('takes over what was wished for, and nothing of what became of it', async () => {
    expect(await again()).to.deep.equal({
      ...{ id: 'new', name: 'sync', version: 3, args: [], kwargs: { repository: 'a' }, queue: 'q', priority: 6, tags: ['t'] },
      ...{ exclusive: ['earlier', 'repository:a'], shared: [], group: 'g' },
      ...{ state: 'waiting', waitingFor: 'resources', attempt: 0, maxAttempts: 1, onWorkerLoss: 'cancel' },
      ...{ attempts: [], progress: [], createdResources: [], retryOf: 'old', correlationId: 'second' },
    });
  });

  it('binds a key to the task that it was given for', async () => {
    expect((await again({}, 'k2')).idempotency).to.deep.equal({
      principal: 'anonymous',
      key: 'k2',
      bodyHash: 'hash of {"retryOf":"old"}',
    });
  });

  it('keeps limits and units, and judges units by what there is now', async () => {
    const limit = { name: 'concurrency:k', units: 1, capacity: 5 };
    const rate = { key: 'r', count: 1, perMs: 1_000 };
    expect(await again({ counted: [limit, { name: 'gpu', units: 2 }], rate })).to.deep.include({
      counted: [{ name: 'gpu', units: 2 }, limit],
      rate,
    });
    expect(await refusal({ counted: [{ name: 'gpu', units: 3 }] })).to.equal('VALIDATION_FAILED /counted/gpu');
    expect(await refusal({ counted: [{ name: 'gone', units: 1 }] })).to.equal('VALIDATION_FAILED /counted/gone');
  });

  it('is for what failed or was canceled, with a type that still takes it', async () => {
    expect((await again({ state: 'canceled' })).retryOf).to.equal('old');
    for (const state of ['waiting', 'running', 'canceling'] as const) expect(await refusal({ state })).to.equal('TASK_NOT_FINAL');
    for (const state of ['completed', 'skipped'] as const) expect(await refusal({ state })).to.equal('CONFLICT');
    expect(await refusal({ damaged: '"exclusive" is not a list of texts' })).to.equal('CONFLICT');
    expect(await refusal({ name: 'sink' })).to.equal('UNKNOWN_TASK_TYPE /name');
    expect(await refusal({ kwargs: {} })).to.equal('VALIDATION_FAILED /kwargs/repository');
  });
});
