import type { Meter } from '../meter.js';
import type { Measured } from '../records.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { percentile, type Figures } from '../statistics.js';
import type { SubmitBody } from '../submitter.js';

const TASKS = 20_000;
const SLOTS = { prefork: 4, async: 64 };

/** How fast tasks that do nothing go through: with all of them waiting already, and with a client that goes on submitting batches. */
export async function run(context: Context): Promise<Result[]> {
  const { pool, slots = SLOTS[context.options.pool] } = context.options;
  const stage = await Stage.open(context);
  try {
    const name = `${pool}, ${slots} slots`;
    return await repeat(context, [
      caseOf(context, stage, { name: `${name}, waiting before`, slots, work: waitingBefore }),
      caseOf(context, stage, { name: `${name}, submitted meanwhile`, slots, work: submittedMeanwhile }),
    ]);
  } finally {
    await stage.close();
  }
}

interface Run {
  stage: Stage;
  context: Context;
  slots: number;
  meter: Meter;
  tasks: number;
}
type Work = (run: Run) => Promise<{ measured: Measured[]; submitSeconds: number }>;

function caseOf(context: Context, stage: Stage, { name, slots, work }: { name: string; slots: number; work: Work }): Case {
  const tasks = context.options.tasks ?? TASKS;
  const meter = stage.newMeter();
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    const { measured, submitSeconds } = await work({ stage, context, slots, meter, tasks });
    counted += tasks;
    return figuresOf(measured, submitSeconds);
  };
  return { name, measure, counted: { meter, tasks: () => counted } };
}

/** Those that warm the worker up stand before those that are measured, in one line. */
async function waitingBefore({ stage, context, slots, meter, tasks }: Run): ReturnType<Work> {
  const { submitter, records } = stage;
  await submitter.submitMany(bodies(context.options.warmUp));
  const above = await records.lastNumber();
  await meter.resume();
  const begun = performance.now();
  await submitter.submitMany(bodies(tasks));
  const submitSeconds = (performance.now() - begun) / 1_000;
  await stage.hintsSent();
  await meter.pause();
  const worker = stage.startWorker(context.options.pool, slots);
  await records.begun(above);
  await meter.resume();
  const measured = await records.completed(above, tasks);
  await meter.pause();
  await stage.stop(worker);
  return { measured, submitSeconds };
}

async function submittedMeanwhile({ stage, context, slots, meter, tasks }: Run): ReturnType<Work> {
  const { submitter, records } = stage;
  const worker = stage.startWorker(context.options.pool, slots);
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
