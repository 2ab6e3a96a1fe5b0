import type { Collection, Db } from 'mongodb';

import { until } from '../../support/wait.js';
import type { Meter } from '../meter.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { percentile, type Figures } from '../statistics.js';

/** Slots of a run. */
const TASKS = 200;
const SIZES = [100, 10_000];
/** Whatever their number, so many are due a second. */
const DUE_PER_SECOND = 10;
const BATCH = 1_000;
/** Between the filling and the first slot. */
const REST_MS = 5_000;

interface ScheduleRecord {
  _id: string;
  nextAt: Date;
}

interface TaskRecord {
  createdAt: Date;
  schedule: { slot: Date };
}

/** A beat with few and with many schedules, of which the same number is due a second: from a slot to its task, by the clock of the server. */
export async function run(context: Context): Promise<Result[]> {
  const stage = await Stage.open(context, { roles: ['api', 'beat'] });
  try {
    const sizes = context.options.sizes ?? SIZES;
    return await repeat(
      context,
      sizes.map(size => caseOf(context, stage, size)),
    );
  } finally {
    await stage.close();
  }
}

function caseOf({ options: { tasks = TASKS } }: Context, stage: Stage, size: number): Case {
  const meter = stage.newMeter();
  const { db } = stage.deployment;
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    const firstAt = await fill(db, size);
    await until('the first slot has come', () => Date.now() >= firstAt + 1_000, { timeoutMs: 60_000 + REST_MS });
    const above = await stage.records.lastNumber();
    const before = beatCommands(meter);
    await meter.resume();
    const since = { seq: { $gt: above }, 'schedule.slot': { $exists: true } };
    const slots = db.collection<TaskRecord>('tasks');
    await until('all slots have their task', async () => (await slots.countDocuments(since)) >= tasks, {
      timeoutMs: 120_000 + (tasks / DUE_PER_SECOND) * 1_000,
      everyMs: 500,
    });
    await meter.pause();
    const found = await slots.find(since, { projection: { createdAt: 1, 'schedule.slot': 1 } }).toArray();
    counted += found.length;
    await db.collection('schedules').deleteMany({});
    const delays = found.map(({ createdAt, schedule }) => createdAt.getTime() - schedule.slot.getTime());
    const beatCommandsPerSlot = (beatCommands(meter) - before) / found.length;
    return { p50Ms: percentile(delays, 0.5), p99Ms: percentile(delays, 0.99), beatCommandsPerSlot };
  };
  return { name: `${size} schedules`, measure, counted: { meter, tasks: () => counted } };
}

/** All that it has asked of the database while it was measured, sweeps and leases included: the same for every size. */
function beatCommands(meter: Meter): number {
  const calls = Object.entries(meter.used.calls.beat ?? {}).filter(([call]) => call.includes(' '));
  return calls.reduce((sum, [, { count }]) => sum + count, 0);
}

/** Past the API, which would take minutes. Their slots lie side by side, one every tenth of a second. Resolves with the time of the first. */
async function fill(db: Db, size: number): Promise<number> {
  const schedules: Collection<ScheduleRecord> = db.collection('schedules');
  const firstAt = Date.now() + REST_MS + size;
  const everyMs = 1_000 / DUE_PER_SECOND;
  for (let from = 0; from < size; from += BATCH) {
    const records = Array.from({ length: Math.min(BATCH, size - from) }, (_, index) => {
      const anchor = new Date(firstAt + (from + index) * everyMs);
      return {
        ...{ _id: `bench-${from + index}`, name: `bench-${from + index}`, task: JSON.stringify({ name: 'bench.nothing' }) },
        ...{ rule: { kind: 'interval', intervalMs: size * everyMs, anchor }, misfire: 'one', overlap: 'allow' },
        ...{ nextAt: anchor, createdAt: new Date(), countedFrom: new Date(0), skipped: 0, revision: 1, version: 0 },
      };
    });
    await schedules.insertMany(records);
  }
  return firstAt;
}
