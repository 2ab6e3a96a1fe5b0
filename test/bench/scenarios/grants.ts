import { openLines, type Lines } from '../lines.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import type { Figures } from '../statistics.js';

const TASKS = 5_000;
const PORTION = 500;

/** How fast one resource manager grants tasks on two free resources each; nobody else is there, and nobody starts them. */
export async function run(context: Context): Promise<Result[]> {
  const stage = await Stage.open(context, { roles: [] });
  const lines = await openLines(stage, context.servers);
  try {
    const bench = { context, stage, lines };
    return await repeat(context, [caseOf(bench, 'rebuild', waitingBefore), caseOf(bench, 'stream', insertedMeanwhile)]);
  } finally {
    await lines.close();
    await stage.close();
  }
}

interface Bench {
  context: Context;
  stage: Stage;
  lines: Lines;
}
/** Resolves with the first and the last number that is measured; the meter runs while grants are made. */
type Work = (bench: Bench, tasks: number, meter: ReturnType<Stage['newMeter']>) => Promise<{ above: number; upTo: number }>;

let drawn = 0;
/** Two that nobody else has. */
const own = (): string[] => [`left-${(drawn += 1)}`, `right-${drawn}`];

function caseOf(bench: Bench, name: string, work: Work): Case {
  const { context, stage, lines } = bench;
  const tasks = context.options.tasks ?? TASKS;
  const meter = stage.newMeter();
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    const { above, upTo } = await work(bench, tasks, meter);
    counted += tasks;
    return { grantsPerSecond: rateOf(await lines.grantTimes(above, upTo)) };
  };
  return { name, measure, counted: { meter, tasks: () => counted } };
}

/** All are in line before the resource manager starts: it reads the lines first. The meter starts with its first grant. */
async function waitingBefore({ stage, lines }: Bench, tasks: number, meter: Parameters<Work>[2]): ReturnType<Work> {
  const above = await stage.records.lastNumber();
  const first = await lines.insert(1, own);
  const upTo = tasks > 1 ? await lines.insert(tasks - 1, own) : first;
  const manager = stage.deployment.start('resource-manager');
  await lines.granted(first);
  await meter.resume();
  await lines.granted(upTo);
  await meter.pause();
  await stage.stop(manager);
  return { above, upTo };
}

/** They come while it grants, in portions with a hint after each. */
async function insertedMeanwhile({ stage, lines }: Bench, tasks: number, meter: Parameters<Work>[2]): ReturnType<Work> {
  const manager = stage.deployment.start('resource-manager');
  await lines.granted(await lines.insert(PORTION, own));
  const above = await stage.records.lastNumber();
  await meter.resume();
  let upTo = above;
  for (let left = tasks; left > 0; left -= PORTION) {
    upTo = await lines.insert(Math.min(PORTION, left), own);
    lines.wake();
  }
  await lines.granted(upTo);
  await meter.pause();
  await stage.stop(manager);
  return { above, upTo };
}

/** By the times that stand in the records, the same for a whole batch: what was granted before the last batch, and how long that took. */
function rateOf(times: readonly number[]): number {
  const [first = NaN, last = NaN] = [times[0], times.at(-1)];
  const before = times.filter(time => time < last).length;
  if (before === 0) throw new Error('All were granted at once: that gives no rate. Measure more tasks.');
  return before / ((last - first) / 1_000);
}
