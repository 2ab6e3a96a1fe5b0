import { MongoClient } from 'mongodb';

import { Hints } from '../../../src/dispatch/hints.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { silentLog } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import { ResourceManager } from '../../../src/resource-manager/resource-manager.js';
import { openMongoStore, type MongoStore } from '../../../src/store/mongo/store.js';
import { accept, reserving } from '../../contract/store/support.js';
import { until } from '../../support/wait.js';
import { repeat, type Context, type Result } from '../scenario.js';
import { summaries, type Figures } from '../statistics.js';
import { loopbackBroker, type LoopbackBroker } from '../loopback-broker.js';

const GRANTS = 500;
const ROUNDS = 5;
/** Passes come by hint only, or one would begin in the middle of an insert. */
const TIMING = { ...DEFAULT_TIMING, passMs: DEFAULT_TIMING.gapMs };
const BUSY = 100;

const SIZES = [1_000, 10_000, 100_000];

/** What a grant costs while others stand in line: 500 tasks on free resources, five times, the median; one resource manager in this process. */
export async function run(context: Context): Promise<Result[]> {
  const { mongoUrl } = context.servers;
  const cases = (context.options.sizes ?? SIZES).map(waiting => ({
    name: `${waiting} waiting`,
    measure: () => measure(mongoUrl, waiting),
  }));
  return withCostRatio(await repeat(context, cases));
}

/** Beside the first case. */
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

async function measure(mongoUrl: string, waiting: number): Promise<Figures> {
  const database = `bench_backlog_${process.pid}_${waiting}`;
  const store = await openMongoStore({ url: mongoUrl, database, appName: 'bench', log: silentLog });
  try {
    await store.manage();
    return await measureIn(store, waiting);
  } finally {
    await store.close();
    await dropDatabase(mongoUrl, database);
  }
}

async function measureIn(store: MongoStore, waiting: number): Promise<Figures> {
  // 100 busy resources with their lines: first their holders, then everybody who waits behind them.
  await insert(store, BUSY, index => [`busy-${index}`]);
  const broker = loopbackBroker();
  const manager = (): ResourceManager =>
    new ResourceManager({
      store,
      broker,
      runtime: system,
      log: silentLog,
      timing: TIMING,
      name: 'bench',
      incarnation: () => 'bench',
      assignment: 'late',
      onMissing: 'reassign',
    });
  const first = manager();
  await first.start();
  await until('the holders hold', () => holdersAre(store, broker, BUSY));
  await first.stop();
  await insert(store, waiting, index => [`busy-${index % BUSY}`, `own-${index}`]);

  const begunAt = performance.now();
  const second = manager();
  await second.start();
  await insert(store, 1, () => ['sentinel']);
  await until('the lines are rebuilt', () => holdersAre(store, broker, BUSY + 1), { timeoutMs: 120_000 });
  const rebuildMs = performance.now() - begunAt;

  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await grantRound(store, broker, round));
  await second.stop();
  const ms = rounds.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? NaN;
  return { grantsPerSecond: (GRANTS / ms) * 1_000, msPerGrant: ms / GRANTS, rebuildMs };
}

async function holdersAre(store: MongoStore, broker: LoopbackBroker, count: number): Promise<boolean> {
  new Hints(broker, system.clock).changed(['wake']);
  return (await store.tasks.countInLines(0, 10_000)).holding === count;
}

/** From the hint that wakes the resource manager to its hint for the last task that it granted. */
async function grantRound(store: MongoStore, broker: LoopbackBroker, round: number): Promise<number> {
  const expected = broker.started + GRANTS;
  await insert(store, GRANTS, index => [`free-${round}-${index}`, `also-free-${round}-${index}`]);
  const wokenAt = performance.now();
  new Hints(broker, system.clock).changed(['wake']);
  await until('all are granted', () => broker.started >= expected, { timeoutMs: 120_000, everyMs: 2 });
  return performance.now() - wokenAt;
}

async function insert(store: MongoStore, count: number, resources: (index: number) => string[]): Promise<void> {
  for (let from = 0; from < count; from += 1_000) {
    const indexes = Array.from({ length: Math.min(1_000, count - from) }, (_, i) => from + i);
    await accept(store, ...indexes.map(index => reserving(resources(index))));
  }
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const client = await MongoClient.connect(url, { serverSelectionTimeoutMS: 5_000 });
  await client.db(name).dropDatabase();
  await client.close();
}
