import { setTimeout as sleep } from 'node:timers/promises';

import { createClient } from '../../../src/client/client.js';
import { insertEnded } from '../../support/ended-tasks.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import type { Figures } from '../statistics.js';

const TASKS = 1_000_000;
const EVERY_MS = 500;
const TOLD_EVERY = 100_000;
const MIB = 2 ** 20;

/**
 * Deletes a million tasks that have ended, by state and by a filter, and watches the API's memory meanwhile. Measured once, whatever `--runs` says: filling the
 * database takes long.
 */
export async function run(context: Context): Promise<Result[]> {
  const { tasks = TASKS } = context.options;
  const stage = await Stage.open(context, { roles: ['api'] });
  const client = createClient({ url: stage.deployment.url });
  const ways: Way[] = [
    { name: 'DELETE /tasks', purge: async () => (await client.purge(['completed'])).deleted, rss: [] },
    { name: 'POST /tasks/actions', purge: async () => (await client.act('delete', { tag: ['bench'] })).count, rss: [] },
  ];
  try {
    const results = await repeat(
      { ...context, options: { ...context.options, runs: 1 } },
      ways.map(way => caseOf(context, stage, { ...way, tasks })),
    );
    return results.map((result, index) => ({ ...result, samples: { apiResidentMiB: ways[index]?.rss.map(Math.round) ?? [] } }));
  } finally {
    await stage.close();
  }
}

interface Way {
  name: string;
  /** Resolves with how many it has deleted. */
  purge: () => Promise<number>;
  /** What the API's memory was meanwhile, in MiB. */
  rss: number[];
}

function caseOf(context: Context, stage: Stage, { name, tasks, purge, rss }: Way & { tasks: number }): Case {
  const meter = stage.newMeter();
  const { db } = stage.deployment;
  const measure = async (): Promise<Figures> => {
    await insertEnded(db, tasks, done => {
      if (done % TOLD_EVERY === 0) context.say(`purge: ${done} of ${tasks} tasks are there`);
    });
    const idleMiB = await residentMiB(stage);
    await meter.resume();
    const begun = performance.now();
    const work = purge();
    await sample(stage, work, rss);
    const deleted = await work;
    const seconds = (performance.now() - begun) / 1_000;
    await meter.pause();
    const left = await db.collection('tasks').countDocuments({ state: 'completed' }, { limit: 1 });
    if (deleted !== tasks || left > 0) throw new Error(`${deleted} of ${tasks} tasks were deleted; left over: ${left > 0}.`);
    const half = Math.ceil(rss.length / 2);
    const [first, second] = [Math.max(...rss.slice(0, half)), Math.max(...rss.slice(half), rss[0] ?? 0)];
    return { tasksPerSecond: deleted / seconds, seconds, idleMiB, mostMiB: Math.max(first, second), growthMiB: second - first };
  };
  return { name: `${name}, ${tasks} tasks`, measure, counted: { meter, tasks: () => tasks } };
}

/** Of the API. */
async function residentMiB(stage: Stage): Promise<number> {
  const api = (await stage.memory('as it is')).find(({ role }) => role === 'api');
  if (!api) throw new Error('The API does not tell its memory.');
  return api.rss / MIB;
}

async function sample(stage: Stage, work: Promise<unknown>, into: number[]): Promise<void> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  const stopped = work.then(stop, stop); // whoever waits for the work hears of its error
  while (!over.signal.aborted) {
    into.push(await residentMiB(stage));
    await Promise.race([stopped, sleep(EVERY_MS)]);
  }
}
