import { setTimeout as sleep } from 'node:timers/promises';

import { Type } from 'typebox';

import { defineTask } from 'interlock';

/** The task types that the bench submits. */
export const nothing = defineTask({ name: 'bench.nothing', onWorkerLoss: 'requeue', handler: () => null });

/** The same for a type that may not run again: it is never started ahead of a free slot. */
export const once = defineTask({ name: 'bench.once', handler: () => null });

export const pause = defineTask({
  name: 'bench.pause',
  input: Type.Object({ ms: Type.Number() }),
  handler: ({ ms }, ctx) => sleep(ms, null, { signal: ctx.signal }),
});

/** When the body began: milliseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
export const begin = defineTask({ name: 'bench.begin', handler: () => Number(process.hrtime.bigint()) / 1e6 });
