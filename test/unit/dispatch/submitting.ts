import { expect } from 'chai';
import { Type } from 'typebox';

import { InterlockError } from '../../../src/core/errors.js';
import type { NewTask } from '../../../src/core/task.js';
import { prepare, type Origin, type SubmissionDeps } from '../../../src/dispatch/submission.js';
import { catalogueOf } from '../../../src/dispatch/type-catalogue.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import type { TaskDefinition } from '../../../src/tasks/definition.js';
import { Registry } from '../../../src/tasks/registry.js';

export const NOW = new Date('2026-03-01T12:00:00.000Z');
const handler = () => null;

const sync = defineTask({
  name: 'repository.sync',
  input: Type.Object({ repository: Type.String() }, { additionalProperties: false }),
  resources: ({ repository }) => {
    if (repository === 'gone') throw new Error('there is none');
    return { exclusive: [`repository:${repository}`], shared: ['origin'] };
  },
  handler,
});
const careful = defineTask({ name: 'careful', queue: 'slow', priority: 9, onWorkerLoss: 'requeue', tags: ['a'], handler });
const brokenPreset = defineTask({ name: 'broken.preset', priority: 99, handler });
const plain: TaskDefinition = { kind: 'interlock.task', name: 'calculator.add', plain: true, handler };

export const deps: SubmissionDeps = {
  types: catalogueOf(Registry.of(sync, careful, brokenPreset, plain)),
  now: () => NOW,
  newId: () => 'the-id',
  hash: text => `hash of ${text}`,
};
const origin: Origin = { principal: 'anonymous', correlationId: 'request-1' };

export const accepted = (body: unknown, from: Partial<Origin> = {}, change: Partial<SubmissionDeps> = {}): Promise<NewTask> =>
  prepare(body, { ...origin, ...from }, { ...deps, ...change });

export async function refused(body: unknown, change: Partial<SubmissionDeps> = {}): Promise<InterlockError> {
  try {
    await accepted(body, {}, change);
  } catch (error) {
    expect(error).to.be.instanceOf(InterlockError);
    return error as InterlockError;
  }
  throw new Error(`accepted: ${JSON.stringify(body)}`);
}
