import { draw } from '../drawing.js';
import { strictFifoEnd } from '../fifo-bound.js';
import type { Measured } from '../records.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { startDelays } from '../start-delays.js';
import { mean, percentile, spreadOf, summaries, type Figures } from '../statistics.js';

const TASKS = 256;
const BODY_MS = 500;

/**
 * The workload of Pulp's own benchmark (mission, rows 76-79): one client posts 256 tasks of 0.5 s in sequence, each on 2 of 128 resources, the
 * same drawing for every number of slots; all slots belong to one worker.
 */
export async function run(context: Context): Promise<Result[]> {
  const stage = await Stage.open(context);
  try {
    const results = await repeat(
      context,
      context.options.workers.map(slots => caseOf(context, stage, slots)),
    );
    return results.map(result => withEnqueueRatio(result, results));
  } finally {
    await stage.close();
  }
}

function caseOf({ options }: Context, stage: Stage, slots: number): Case {
  const drawing = draw(options.seed, options.tasks ?? TASKS);
  const meter = stage.newMeter();
  let tasks = 0;
  const measure = async (): Promise<Figures> => {
    const worker = stage.startWorker(options.pool, slots);
    await stage.fillSlots(slots);
    const above = await stage.records.lastNumber();
    await meter.resume();
    const enqueueMs = await post(stage, drawing);
    const measured = await stage.records.completed(above, drawing.length);
    await meter.pause();
    tasks += drawing.length;
    await stage.stop(worker);
    return { ...figuresOf(measured, slots), ...spreadOf('enqueue', enqueueMs) };
  };
  return { name: nameOf(slots), measure, counted: { meter, tasks: () => tasks } };
}

const nameOf = (slots: number): string => `${slots} ${slots === 1 ? 'worker' : 'workers'}`;

/** One after the other. Resolves with how long each took, in milliseconds. */
async function post(stage: Stage, drawing: readonly string[][]): Promise<number[]> {
  const times: number[] = [];
  for (const exclusive of drawing) {
    const begun = performance.now();
    await stage.submitter.submit({ name: 'bench.pause', kwargs: { ms: BODY_MS }, exclusive });
    times.push(performance.now() - begun);
  }
  return times;
}

/** Time runs from the first acceptance to the last end, by the server's clock. */
function figuresOf(tasks: readonly Measured[], slots: number): Figures {
  const from = Math.min(...tasks.map(task => task.acceptedAt));
  const makespanMs = Math.max(...tasks.map(task => task.finishedAt)) - from;
  const boundMs = strictFifoEnd(tasks, slots, BODY_MS) - from;
  const lived = tasks.map(task => task.finishedAt - task.acceptedAt);
  return {
    makespanSeconds: makespanMs / 1_000,
    boundSeconds: boundMs / 1_000,
    tasksPerSecond: (tasks.length / makespanMs) * 1_000,
    boundRatio: boundMs / makespanMs,
    p50Ms: percentile(lived, 0.5),
    p99Ms: percentile(lived, 0.99),
    bodyMs: mean(tasks.map(task => task.finishedAt - task.startedAt)),
    ...spreadOf('startDelay', startDelays(tasks, slots)),
  };
}

/** Mean enqueue time beside that of the same bench at one worker. */
function withEnqueueRatio(result: Result, results: readonly Result[]): Result {
  const one = results.find(each => each.case === nameOf(1))?.figures.enqueueMeanMs;
  const own = result.figures.enqueueMeanMs;
  if (!one || !own || result.case === nameOf(1)) return result;
  return { ...result, figures: { ...result.figures, ...summaries([{ enqueueToOneWorkerRatio: own.median / one.median }]) } };
}
