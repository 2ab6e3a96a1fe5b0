import { expect } from 'chai';

import type { InterlockError } from '../../../src/core/errors.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { Fatal, RetryLater, Skip } from '../../../src/tasks/verdicts.js';

const repository = { type: 'object', required: ['repository'], properties: { repository: { type: 'string' } } } as const;

/** What bodies did, in order. */
export const trace: string[] = [];

export const sync = defineTask({
  name: 'sync',
  input: repository,
  resources: input => ({ exclusive: [`repository:${input.repository}`] }),
  async handler(input, ctx) {
    trace.push(`begin ${input.repository}`);
    await ctx.sleep(60);
    trace.push(`end ${input.repository}`);
    return { fence: ctx.fence(`repository:${input.repository}`) };
  },
});
export const note = defineTask({
  name: 'note',
  handler(input) {
    trace.push(JSON.stringify(input.text ?? null).replaceAll('"', ''));
    return input.text ?? null;
  },
});
export const sum = defineTask({
  name: 'sum',
  handler: async (_input, ctx) =>
    Object.values(await ctx.dependencies()).reduce((total, { result }) => total + Number(result ?? 0), 0),
});
export const fails = defineTask({
  name: 'fails',
  handler(input): never {
    const { how = 'plainly' } = input;
    if (how === 'for good') throw new Fatal('for good');
    if (how === 'later') throw new RetryLater(30, 'later');
    if (how === 'skips') throw new Skip('nothing to do');
    throw Object.assign(new Error('as planned'), { code: 'PLANNED' });
  },
});
export const all = { tasks: [sync, note, sum, fails] };

export async function rejection<E extends Error = InterlockError>(promise: Promise<unknown>): Promise<E> {
  return promise.then(
    () => expect.fail('it resolved'),
    (error: unknown) => error as E,
  );
}
