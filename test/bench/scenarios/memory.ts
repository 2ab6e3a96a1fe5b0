import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../support/wait.js';
import type { Memory } from '../probes.js';
import type { Context, Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { summaries, type Figures } from '../statistics.js';
import type { SubmitBody } from '../submitter.js';

const WAITING = 100_000;
const FROM = 50_000;
const TO = 200_000;
const SLOTS = { prefork: 4, async: 64 };
/** That many resources are taken, and everybody stands in one of their lines. */
const BUSY = 100;
const BATCH = 1_000;
/** Submitted and not ended while growth is measured: the backlog must not be what grows. */
const AHEAD = 5_000;
const SAMPLES = 5;
const BETWEEN_SAMPLES_MS = 1_000;
const MIB = 2 ** 20;
const ROLES = ['api', 'resource-manager', 'worker'] as const;

/** By role. */
type Found = Partial<Record<string, Figures>>;

/** Resident memory of the roles: with many in line, and before and after many tasks. Measured once, whatever `--runs` says: it takes long. */
export async function run(context: Context): Promise<Result[]> {
  const [waiting = WAITING, from = FROM, to = TO] = context.options.sizes ?? [];
  const parts = [await withManyInLine(context, waiting), await withManyDone(context, from, to)];
  return ROLES.map(role => {
    const figures = Object.assign({}, ...parts.map(part => part[role])) as Figures;
    return { case: role, runs: 1, figures: summaries([figures]) };
  });
}

/** `waitingMiB`: the most that was seen after the resource manager had read all of them. */
async function withManyInLine(context: Context, waiting: number): Promise<Found> {
  const stage = await Stage.open(context);
  try {
    for (let from = 0; from < waiting; from += BATCH) {
      await stage.submitter.submitMany(
        Array.from({ length: Math.min(BATCH, waiting - from) }, (_, index) => standing(from + index)),
      );
    }
    await stage.hintsSent();
    const last = await stage.records.lastNumber();
    const leases = stage.deployment.db.collection<{ _id: string; floor: number }>('leases');
    const read = async (): Promise<boolean> => ((await leases.findOne({ _id: 'resource-manager' }))?.floor ?? 0) >= last;
    await until('the resource manager has read all lines', read, { timeoutMs: 300_000, everyMs: 500 });
    const samples = await sampled(() => stage.memory('as it is'));
    return figuresOf(samples, each => ({ waitingMiB: most(each) }));
  } finally {
    await stage.close();
  }
}

const standing = (index: number): SubmitBody => ({
  name: 'bench.nothing',
  exclusive: [`busy-${index % BUSY}`, `waits-${index}`],
});

/** `loadedMiB`: at the end of a load; `growthMiB` from one task to another, and of it `heldGrowthMiB` by what JavaScript still refers to. */
async function withManyDone(context: Context, from: number, to: number): Promise<Found> {
  const stage = await Stage.open(context);
  try {
    const { pool = 'prefork' } = context.options;
    const worker = stage.startWorker(pool, SLOTS[pool]);
    await load(context, stage, from);
    const before = figuresOf(await sampled(() => stage.memory('collected')), least);
    await load(context, stage, to - from);
    const loaded = figuresOf(await sampled(() => stage.memory('as it is')), each => ({ loadedMiB: most(each) }));
    const after = figuresOf(await sampled(() => stage.memory('collected')), least);
    await stage.stop(worker);
    return Object.fromEntries(ROLES.map(role => [role, { ...loaded[role], ...growth(before[role], after[role]) }]));
  } finally {
    await stage.close();
  }
}

function growth(before: Figures = {}, after: Figures = {}): Figures {
  return {
    growthMiB: (after.residentMiB ?? NaN) - (before.residentMiB ?? NaN),
    heldGrowthMiB: (after.heldMiB ?? NaN) - (before.heldMiB ?? NaN),
  };
}

/** Submits so many tasks, never far ahead of the worker, and waits until all have completed. */
async function load(context: Context, stage: Stage, count: number): Promise<void> {
  const above = await stage.records.lastNumber();
  for (let from = 0; from < count; from += BATCH) {
    await stage.submitter.submitMany(Array.from({ length: Math.min(BATCH, count - from) }, () => ({ name: 'bench.nothing' })));
    if (from >= AHEAD) await stage.records.ended(above + from - AHEAD);
    if (from % 10_000 === 0) context.say(`memory: ${from} of ${count} tasks`);
  }
  await stage.records.completed(above, count);
}

async function sampled(look: () => Promise<Memory[]>): Promise<Memory[]> {
  const samples: Memory[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    samples.push(...(await look()));
    await sleep(BETWEEN_SAMPLES_MS);
  }
  return samples;
}

function figuresOf(samples: readonly Memory[], figures: (samples: Memory[]) => Figures): Record<string, Figures> {
  const roles = [...new Set(samples.map(({ role }) => role))];
  return Object.fromEntries(roles.map(role => [role, figures(samples.filter(each => each.role === role))]));
}

const most = (samples: readonly Memory[]): number => Math.max(...samples.map(({ rss }) => rss)) / MIB;

const least = (samples: readonly Memory[]): Figures => ({
  residentMiB: Math.min(...samples.map(({ rss }) => rss)) / MIB,
  heldMiB: Math.min(...samples.map(({ held }) => held)) / MIB,
});
