import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Static } from 'typebox';

import { defineTask, type TaskContext } from 'interlock';
import { Type } from './plain-type.js';

const input = Type.Object({
  file: Type.String(),
  label: Type.String(),
  ms: Type.Number(),
  stubborn: Type.Optional(Type.Boolean()),
});

/** Leaves a trace that no database can gloss over: a line when it begins, every 50 ms, and when it ends. */
async function leaveTrace({ file, label, ms, stubborn }: Static<typeof input>, ctx: TaskContext): Promise<void> {
  const write = (edge: string): void => {
    appendFileSync(
      file,
      `${JSON.stringify({ label, attempt: ctx.attempt, edge, at: Number(process.hrtime.bigint() / 1_000n), pid: process.pid })}\n`,
    );
  };
  write('begin');
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const restMs = Math.min(50, end - performance.now());
    if (stubborn === true) busy(restMs);
    else await sleep(restMs, undefined, { signal: ctx.signal });
    write('tick');
  }
  write('end');
}

export const evidence = defineTask({ name: 'test.evidence', input, handler: leaveTrace });

/** The same, but queued again when its worker is lost. */
export const again = defineTask({ name: 'test.again', input, onWorkerLoss: 'requeue', maxAttempts: 3, handler: leaveTrace });

function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
