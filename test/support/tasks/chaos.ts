import { appendFileSync, constants, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Static } from 'typebox';

import { defineTask, type TaskContext } from 'interlock';
import { Type } from './plain-type.js';

/** What it reserves stands in its input too: a body cannot ask, and whoever judges must not ask the database. */
const input = Type.Object({
  label: Type.String(),
  ms: Type.Number(),
  manner: Type.Union(['gentle', 'stubborn', 'busy', 'exit', 'fail', 'flaky', 'endless', 'stuck'].map(each => Type.Literal(each))),
  exclusive: Type.Array(Type.String()),
  shared: Type.Array(Type.String()),
  /** Nobody may see it but who sent it. */
  secret: Type.Optional(Type.String()),
  calls: Type.Optional(Type.Array(Type.Unknown())),
});

/** What it calls when its time is over (`test/chaos/plan-calls.ts`). */
interface Call {
  ms: number;
  exclusive: string[];
  under: boolean;
  calls: Call[];
}

const { CHAOS_EVIDENCE: evidence = '', CHAOS_SINK: sink = '' } = process.env;
const STEP_MS = 50;
let pipe: number | undefined;

/**
 * Every line twice: with its fence to a sink that refuses who was deposed, and into a file that nobody can gloss over. In this order: what stands in
 * the file has been judged by the sink, even if the body was killed between the two.
 */
function tracer({ label, exclusive, shared }: Static<typeof input>, ctx: TaskContext): (edge: string) => void {
  const [held] = [...exclusive, ...shared];
  return edge => {
    const fence = held === undefined ? null : ctx.fence(held); // a child under this reservation has raised it
    const at = Number(process.hrtime.bigint() / 1_000n);
    const line = `${JSON.stringify({ task: ctx.id, label, attempt: ctx.attempt, edge, at, pid: process.pid, fence, exclusive, shared })}\n`;
    pipe ??= openSync(sink, constants.O_WRONLY);
    writeSync(pipe, line); // one write, shorter than PIPE_BUF: it arrives whole or not at all
    appendFileSync(evidence, `\n${line}`); // a SIGKILL may cut it where a page ends: then only itself
  };
}

async function run(wish: Static<typeof input>, ctx: TaskContext): Promise<string> {
  const trace = tracer(wish, ctx);
  trace('begin');
  const end = performance.now() + wish.ms;
  while (performance.now() < end) {
    const restMs = Math.min(STEP_MS, end - performance.now());
    if (wish.manner === 'busy') busy(restMs);
    else await sleep(restMs, undefined, wish.manner === 'stubborn' || wish.manner === 'stuck' ? {} : { signal: ctx.signal });
    trace('tick');
  }
  for (const [n, each] of (wish.calls ?? []).entries()) {
    await call(each as Call, `${wish.label}/${ctx.attempt}.${n}`, ctx);
    trace('tick');
  }
  if (wish.manner === 'exit') process.exit(3);
  trace('end');
  if (wish.manner === 'fail' || (wish.manner === 'flaky' && ctx.attempt === 1)) throw new Error('as asked for');
  return wish.label;
}

/** What goes wrong with it its parent lets through: a child of which nobody knows may write beside it, with a higher fence. */
async function call({ ms, exclusive, under, calls }: Call, label: string, ctx: TaskContext): Promise<void> {
  const child = { label, ms, manner: 'gentle' as never, exclusive, shared: [] as string[], calls };
  await ctx.call(once, child, { exclusive, underParent: under, tags: [label] });
}

export const once = defineTask({ name: 'chaos.task', input, handler: run });
export const again = defineTask({ name: 'chaos.again', input, onWorkerLoss: 'requeue', maxAttempts: 3, handler: run });

function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
