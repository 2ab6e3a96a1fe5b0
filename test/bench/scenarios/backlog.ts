import { openLines, type Lines } from '../lines.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { median, summaries, type Figures } from '../statistics.js';

const SIZES = [1_000, 10_000, 100_000];
const TASKS = 1_000;
const ROUNDS = 5;
/** That many tasks hold a resource each, and all others stand behind them. */
const BUSY = 100;
/** Passes come by hint only, or one would begin in the middle of an insert. */
const ENV = { INTERLOCK_TIMING_PASS_MS: '15000' };

/** What a grant costs one resource manager while many stand in line whose turn does not come: tasks on two free resources each. */
export async function run(context: Context): Promise<Result[]> {
  const backlogs: Backlog[] = [];
  try {
    for (const waiting of context.options.sizes ?? SIZES) backlogs.push(await fill(context, waiting));
    return withCostRatio(
      await repeat(
        context,
        backlogs.map(backlog => caseOf(context, backlog)),
      ),
    );
  } finally {
    for (const { lines, stage } of backlogs) {
      await lines.close();
      await stage.close();
    }
  }
}

/** Each has a database of its own. */
interface Backlog {
  waiting: number;
  stage: Stage;
  lines: Lines;
}

async function fill(context: Context, waiting: number): Promise<Backlog> {
  context.say(`filling the lines with ${waiting} tasks`);
  const stage = await Stage.open(context, { roles: [], env: ENV });
  const lines = await openLines(stage, context.servers);
  const last = await lines.insert(BUSY, index => [`busy-${index}`]);
  const manager = stage.deployment.start('resource-manager');
  await lines.granted(last);
  await stage.stop(manager);
  await lines.insert(waiting, index => [`busy-${index % BUSY}`, `waits-${index}`]);
  return { waiting, stage, lines };
}

function caseOf({ options }: Context, { waiting, stage, lines }: Backlog): Case {
  const { tasks = TASKS } = options;
  const meter = stage.newMeter();
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    const manager = stage.deployment.start('resource-manager');
    await lines.granted(await lines.insert(1, own));
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const last = await lines.insert(tasks, own);
      await meter.resume();
      rounds.push(await grantAll(lines, last));
      await meter.pause();
      counted += tasks;
    }
    await stage.stop(manager);
    const ms = median(rounds);
    return { grantsPerSecond: (tasks / ms) * 1_000, msPerGrant: ms / tasks };
  };
  return { name: `${waiting} waiting`, measure, counted: { meter, tasks: () => counted } };
}

let drawn = 0;
/** Two that nobody else has. */
const own = (): string[] => [`left-${(drawn += 1)}`, `right-${drawn}`];

/** Milliseconds from the hint until the last grant is seen. */
async function grantAll(lines: Lines, last: number): Promise<number> {
  const wokenAt = performance.now();
  lines.wake();
  await lines.granted(last);
  return performance.now() - wokenAt;
}

/** Beside the first size. */
function withCostRatio([first, ...others]: Result[]): Result[] {
  const smallest = first?.figures.msPerGrant?.median;
  if (!first || smallest === undefined) return [];
  const ratioOf = ({ figures }: Result): number => (figures.msPerGrant?.median ?? NaN) / smallest;
  const compared = others.map(result => ({
    ...result,
    figures: { ...result.figures, ...summaries([{ costToSmallestRatio: ratioOf(result) }]) },
  }));
  return [first, ...compared];
}
