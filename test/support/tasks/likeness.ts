import { defineTask, Fatal, RetryLater, Skip, SoftTimeLimit } from 'interlock';
import { Type } from './plain-type.js';

/** Runs as long as it is told, under the fence of a resource. */
export const hold = defineTask({
  name: 'like.hold',
  input: Type.Object({ resource: Type.String(), seconds: Type.Number() }),
  resources: ({ resource }) => ({ exclusive: [resource] }),
  async handler({ resource, seconds }, ctx) {
    await ctx.sleep(seconds);
    return { held: resource, fenced: ctx.fence(resource) > 0, worker: typeof ctx.worker };
  },
});

/** Fails in one of the ways there are, at its first starts. */
export const fail = defineTask({
  name: 'like.fail',
  input: Type.Object({ how: Type.String(), until: Type.Integer() }),
  maxAttempts: 3,
  retry: { delay: 0.2, jitter: false, backoff: 'fixed' },
  noRetryOn: [RangeError],
  handler({ how, until }, ctx) {
    if (ctx.attempt >= until) return { attempt: ctx.attempt };
    if (how === 'fatal') throw new Fatal('for good');
    if (how === 'skip') throw new Skip('nothing to do');
    if (how === 'range') throw new RangeError('not tried again');
    if (how === 'later') throw new RetryLater(0.1, 'later');
    throw Object.assign(new Error('plainly'), { code: 'PLANNED' });
  },
});

/** Reports, and ends in order at its soft limit. */
export const report = defineTask({
  name: 'like.report',
  input: Type.Object({ seconds: Type.Number() }),
  async handler({ seconds }, ctx) {
    const bar = ctx.progress('like.steps', { message: 'Steps', total: 2, suffix: 'steps' });
    bar.increment();
    ctx.progress('like.open');
    ctx.createdResource('/made/of/it');
    try {
      await ctx.sleep(seconds);
    } catch (error) {
      if (!(ctx.signal.reason instanceof SoftTimeLimit)) throw error;
      return 'cut short';
    }
    bar.set(2);
    bar.end();
    return 'whole';
  },
});

export const family = defineTask({
  name: 'like.family',
  async handler(_input, ctx) {
    const child = await ctx.spawn(hold, { resource: 'child', seconds: 0 }, { tags: ['spawned'] });
    return child.id;
  },
});

export const gather = defineTask({
  name: 'like.gather',
  async handler(_input, ctx) {
    const found = Object.entries(await ctx.dependencies());
    return Object.fromEntries(
      found.map(([node, { state, result = null, error }]) => [node, [state, result, error?.code ?? null]]),
    );
  },
});

/** A result that cannot be stored. */
export function impossible(): unknown {
  return () => undefined;
}

export function add(...numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
