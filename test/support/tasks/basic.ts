import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { currentTask, currentWorker, defineTask, enqueueWithReservation } from 'interlock';
import { Type } from './plain-type.js';

export function add(x: number, y: number): number {
  return x + y;
}

export function describeMe(...given: unknown[]): unknown {
  const { id, attempt, correlationId } = currentTask();
  return {
    given,
    id,
    attempt,
    correlationId,
    worker: currentWorker(),
    directory: process.cwd(),
    environment: Object.keys(process.env).sort(),
  };
}

/** Twice the same, and it may be written to. */
export async function useDirectory(): Promise<string> {
  const [directory, again] = await Promise.all([currentTask().directory(), currentTask().directory()]);
  if (directory !== again) throw new Error(`${directory} is not ${again}`);
  await writeFile(path.join(directory, 'file'), 'x', { flag: 'wx' });
  return directory;
}

/** A megabyte in its own directory. */
export async function writeMuch(): Promise<void> {
  await writeFile(path.join(await currentTask().directory(), 'much'), Buffer.alloc(1_048_576, 1));
}

/** Ends early when it is cancelled. */
export const wait = defineTask({
  name: 'test.wait',
  input: Type.Object({ ms: Type.Number() }),
  async handler({ ms }, ctx) {
    ctx.progress('test.waiting', { message: 'Waiting', total: 1 });
    await sleep(ms, undefined, { signal: ctx.signal });
    return 'waited';
  },
});

/** Hears of its cancellation, and ends as if nothing had been. */
export const finishAnyway = defineTask({
  name: 'test.finish-anyway',
  async handler(_input, ctx) {
    const bar = ctx.progress('test.begun');
    await new Promise(resolve => ctx.signal.addEventListener('abort', resolve));
    bar.end();
    return 'finished anyway';
  },
});

export function fail(message: string, code?: string): never {
  throw Object.assign(new Error(message), code !== undefined && { code });
}

export const progress = defineTask({
  name: 'test.progress',
  handler(_input, ctx) {
    const bar = ctx.progress('test.counting', { message: 'Counting', total: 1_000, suffix: 'things' });
    for (let n = 0; n < 1_000; n += 1) bar.increment();
    ctx.progress('test.closed', { total: 1 }).end();
    ctx.createdResource('/api/v1/things/1');
    ctx.log.info('Counted.', { things: 1_000 });
    process.stdout.write('printed\n');
  },
});

export const fenced = defineTask({
  name: 'test.fenced',
  handler: (input, ctx) => ctx.fence(input.resource as string),
});

export const spawner = defineTask({
  name: 'test.spawner',
  async handler(_input, ctx) {
    const spawned = await ctx.spawn(wait, { ms: 1 }, { queue: 'other' });
    const enqueued = await enqueueWithReservation(add, ['calculator'], [1, 2]);
    const answer = await ctx.service('test.echo', { said: 'hello' });
    return { spawned, enqueued, answer };
  },
});

export const refused = defineTask({
  name: 'test.refused',
  handler: async (_input, ctx) => ctx.service('test.refuse', {}),
});

export const returns = defineTask({
  name: 'test.returns',
  handler(input) {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const values: Record<string, unknown> = {
      nothing: undefined,
      bigint: 1n,
      cycle,
      function: add,
      big: 'x'.repeat(Number(input.size ?? 0)),
    };
    return values[input.what as string];
  },
});
