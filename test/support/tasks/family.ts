import { setTimeout as sleep } from 'node:timers/promises';

import type { TaskContext } from '../../../src/tasks/context.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { Type } from './plain-type.js';

const Nested = Type.Object({ depth: Type.Integer() });

/** Calls itself, so deep. */
export const nest = defineTask({
  name: 'test.nest',
  input: Nested,
  handler: async ({ depth }, ctx): Promise<number> => (depth === 0 ? 0 : 1 + Number(await callOf(ctx, depth - 1))),
});

function callOf(ctx: TaskContext, depth: number): Promise<unknown> {
  return ctx.call<{ depth: number }, unknown>(nest, { depth });
}

export const nap = defineTask({
  name: 'test.nap',
  input: Type.Object({ ms: Type.Optional(Type.Number()), fails: Type.Optional(Type.Boolean()) }),
  async handler({ ms = 0, fails = false }, ctx) {
    await sleep(ms, undefined, { signal: ctx.signal });
    if (fails) throw new Error('as asked');
    return { napped: ms };
  },
});

/** Calls one child that reserves these, and tells how that went. */
export const caller = defineTask({
  name: 'test.caller',
  input: Type.Object({
    reserves: Type.Array(Type.String()),
    ms: Type.Optional(Type.Number()),
    fails: Type.Optional(Type.Boolean()),
  }),
  handler: ({ reserves, ...input }, ctx) => ctx.call(nap, input, { exclusive: reserves }),
});

/** The same by `spawn` and `result`: the child is stored before anybody knows that it is awaited. */
export const awaiter = defineTask({
  name: 'test.awaiter',
  input: Type.Object({ reserves: Type.Array(Type.Array(Type.String())), ms: Type.Optional(Type.Number()) }),
  async handler({ reserves, ms = 0 }, ctx) {
    const children = await Promise.all(reserves.map(exclusive => ctx.spawn(nap, { ms }, { exclusive })));
    const results = await Promise.allSettled(children.map(child => child.result()));
    return results.map(result => (result.status === 'fulfilled' ? result.value : String(result.reason)));
  },
});

export const patientCaller = defineTask({
  name: 'test.patient-caller',
  onWorkerLoss: 'requeue',
  input: Type.Object({ ms: Type.Number() }),
  handler: ({ ms }, ctx) => ctx.call(nap, { ms }, { queue: 'other' }),
});

/** Calls a child under its own reservation, again and again, so deep. */
export const lender = defineTask({
  name: 'test.lender',
  input: Type.Object({ resource: Type.String(), depth: Type.Integer() }),
  resources: ({ resource }) => ({ exclusive: [resource] }),
  async handler({ resource, depth }, ctx): Promise<number[]> {
    const before = ctx.fence(resource);
    if (depth === 0) return [before];
    const inner = (await callUnder(ctx, { resource, depth: depth - 1 })) as number[];
    return [before, ...inner, ctx.fence(resource)];
  },
});

function callUnder(ctx: TaskContext, input: { resource: string; depth: number }): Promise<unknown> {
  return ctx.call<{ resource: string; depth: number }, unknown>(lender, input, { underParent: true });
}

/** Leaves a child under its reservation behind. */
export const leaver = defineTask({
  name: 'test.leaver',
  input: Type.Object({ ms: Type.Number() }),
  handler: async ({ ms }, ctx) => (await ctx.spawn(nap, { ms }, { exclusive: ['r'], underParent: true })).id,
});

/** Lends, waits, and may run again. */
export const lenderAgain = defineTask({
  name: 'test.lender-again',
  onWorkerLoss: 'requeue',
  input: Type.Object({ ms: Type.Number() }),
  resources: () => ({ exclusive: ['r'] }),
  handler: ({ ms }, ctx) => ctx.call(nap, { ms }, { exclusive: ['r'], underParent: true, queue: 'other' }),
});
