import type { Meter } from '../meter.js';
import type { Pool } from '../options.js';
import type { Measured } from '../records.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { percentile, type Figures } from '../statistics.js';
import type { SubmitBody } from '../submitter.js';

const TASKS = 20_000;
const SLOTS = { prefork: 4, async: 64 };

/** How fast tasks that do nothing go through: with all of them waiting already, and with a client that goes on submitting batches. */
export async function run(context: Context): Promise<Result[]> {
  const pools = context.options.pool === undefined ? (['prefork', 'async'] as const) : [context.options.pool];
  const stage = await Stage.open(context);
  try {
    const cases = pools.flatMap(pool => [
      caseOf({ context, stage, pool }, 'waiting before', waitingBefore),
      caseOf({ context, stage, pool }, 'submitted meanwhile', submittedMeanwhile),
    ]);
    return await repeat(context, cases);
  } finally {
    await stage.close();
  }
}

interface Bench {
  context: Context;
  stage: Stage;
  pool: Pool;
}
interface Run extends Bench {
  slots: number;
  meter: Meter;
  tasks: number;
}
type Work = (run: Run) => Promise<{ measured: Measured[]; submitSeconds: number }>;

function caseOf(bench: Bench, name: string, work: Work): Case {
  const { tasks = TASKS, slots = SLOTS[bench.pool] } = bench.context.options;
  const meter = bench.stage.newMeter();
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    const { measured, submitSeconds } = await work({ ...bench, slots, meter, tasks });
    counted += tasks;
    return figuresOf(measured, submitSeconds);
  };
  return { name: `${bench.pool}, ${slots} slots, ${name}`, measure, counted: { meter, tasks: () => counted } };
}

/** Those that warm the worker up stand before those that are measured, in one line. */
async function waitingBefore({ stage, context, pool, slots, meter, tasks }: Run): ReturnType<Work> {
  const { submitter, records } = stage;
  await submitter.submitMany(bodies(context.options.warmUp));
  const above = await records.lastNumber();
  await meter.resume();
  const begun = performance.now();
  await submitter.submitMany(bodies(tasks));
  const submitSeconds = (performance.now() - begun) / 1_000;
  await stage.hintsSent();
  await meter.pause();
  const worker = stage.startWorker(pool, slots);
  await records.begun(above);
  await meter.resume();
  const measured = await records.completed(above, tasks);
  await meter.pause();
  await stage.stop(worker);
  return { measured, submitSeconds };
}

async function submittedMeanwhile({ stage, context, pool, slots, meter, tasks }: Run): ReturnType<Work> {
  const { submitter, records } = stage;
  const worker = stage.startWorker(pool, slots);
  await submitter.submitMany(bodies(context.options.warmUp));
  await records.idle();
  const above = await records.lastNumber();
  await meter.resume();
  const begun = performance.now();
  await submitter.submitMany(bodies(tasks));
  const submitSeconds = (performance.now() - begun) / 1_000;
  const measured = await records.completed(above, tasks);
  await meter.pause();
  await stage.stop(worker);
  return { measured, submitSeconds };
}

function bodies(count: number): SubmitBody[] {
  return Array.from({ length: count }, () => ({ name: 'bench.nothing' }));
}

/** From the first start to the last end, by the server's clock. `p50Ms`: from the start of a task to its end, a no-op's stay in its slot. */
function figuresOf(tasks: readonly Measured[], submitSeconds: number): Figures {
  const from = tasks.reduce((first, task) => Math.min(first, task.startedAt), Infinity);
  const to = tasks.reduce((last, task) => Math.max(last, task.finishedAt), 0);
  const stays = tasks.map(task => task.finishedAt - task.startedAt);
  return {
    tasksPerSecond: tasks.length / ((to - from) / 1_000),
    submittedPerSecond: tasks.length / submitSeconds,
    p50Ms: percentile(stays, 0.5),
    p99Ms: percentile(stays, 0.99),
  };
}
