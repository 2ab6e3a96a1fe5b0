import { readRoster, type Roster } from '../../api/roster.js';
import type { Config } from '../../config/schema.js';
import { explain } from '../../core/explain.js';
import { judge } from '../../core/line.js';
import type { Schedule } from '../../core/schedule.js';
import { FINAL_STATES } from '../../core/state.js';
import { startable } from '../../doctor/checks/tasks.js';
import type { RecordsEvidence, SeenProcess } from '../../doctor/evidence.js';
import { readLines, readRate } from '../../dispatch/lines.js';
import { provedGone } from '../../process/identity.js';
import type { Runtime } from '../../process/runtime.js';
import type { LineTask, Store } from '../../store/store.js';

export interface RecordsOptions {
  config: Config;
  blockedAfterMs: number;
  runtime: Pick<Runtime, 'timers'>;
}

const MOST_READY = 2_000;
const MOST_IN_LINE = 50;
const MOST_BLOCKED = 20;
const MOST_UNPURGED = 20;
const SCHEDULES_A_PAGE = 500;
const MOST_SCHEDULES = 20_000;
/** The leading beat goes through all that has ended every ten minutes; what is held back meanwhile may take a round more. */
const PURGE_GRACE_MS = 3_600_000;

/** Reads what the checks need. Takes a few seconds longer where a task seems to be stalled, to look again. Throws StoreError. */
export async function lookAtRecords(store: Store, options: RecordsOptions): Promise<RecordsEvidence> {
  const { config, blockedAfterMs } = options;
  const { timing } = config;
  // A sweep hints again, and the next one had been under way; a worker looks by itself that often, too.
  const patienceMs = timing.rehintMs + 2 * timing.sweepMs + timing.claimIdleMs;
  const [roster, schedules, abandoned, blocked, unpurged] = await Promise.all([
    readRoster(store, { types: true }),
    readSchedules(store),
    readAbandoned(store, timing.sweepMs),
    readBlocked(store, blockedAfterMs),
    readUnpurged(store, config),
  ]);
  const seen = await look(store, roster, patienceMs);
  const stalled = seen.suspects.length === 0 ? [] : await lookAgain(store, seen, { ...options, patienceMs });
  const processes = roster.processes.map(process => seenAs(process, roster));
  const { now, leases } = roster;
  const { workers, ready } = seen;
  const shared = { now, processes, leases, workers, ready, schedules, abandoned, blocked, unpurged };
  return { ...shared, stalled, patienceMs, blockedAfterMs, sweepMs: timing.sweepMs };
}

interface Look {
  workers: RecordsEvidence['workers'];
  ready: LineTask[];
  suspects: { task: LineTask; why: string }[];
  /** What each worker runs, as one text: one that changes is at work. */
  busyWith: ReadonlyMap<string, string>;
}

async function look(store: Store, roster: Roster, patienceMs: number): Promise<Look> {
  const { workers, resourceManager } = roster.facts();
  const [ready, inLine, problems] = await Promise.all([
    store.tasks.readyFor('worker', patienceMs, MOST_READY),
    store.tasks.readyFor('resources', patienceMs, MOST_IN_LINE),
    store.problems(),
  ]);
  const suspects = startable({ ready, workers }).map(task => ({ task, why: 'a worker of its queue has a free slot.' }));
  // Where nobody leads, or nothing may be granted at all, another check says so.
  const judged = resourceManager && problems.length === 0 ? await free(store, inLine) : [];
  const busyWith = new Map(
    workers.map(({ name }) => [
      name,
      roster
        .tasksOf(name)
        .map(({ run }) => run?.token ?? '')
        .join(),
    ]),
  );
  return { workers, ready, suspects: [...suspects, ...judged], busyWith };
}

/** Of those in line, the ones that nobody is in the way of. */
async function free(store: Store, inLine: readonly LineTask[]): Promise<Look['suspects']> {
  const found: Look['suspects'] = [];
  for (const task of inLine) {
    if (task.rate || task.damaged !== undefined) continue;
    if (judge(task, task.seq, await readLines(store, task)).some(({ blocked }) => blocked)) continue;
    found.push({ task, why: 'nobody holds what it reserves, and nobody is before it in line.' });
  }
  return found;
}

/** Those that wait after a moment as before, while no worker that could start them has done anything else. */
async function lookAgain(
  store: Store,
  before: Look,
  { config, runtime, patienceMs }: RecordsOptions & { patienceMs: number },
): Promise<Look['suspects']> {
  await runtime.timers.sleep(config.timing.claimIdleMs + config.timing.passMs);
  const after = await look(store, await readRoster(store, { types: true }), patienceMs);
  const working = new Set(
    [...after.busyWith].filter(([name, with_]) => before.busyWith.get(name) !== with_).map(([name]) => name),
  );
  const idle = after.workers.filter(({ name }) => !working.has(name));
  const still = new Set([...startable({ ready: after.ready, workers: idle }).map(({ id }) => id), ...inLineOf(after)]);
  return before.suspects.filter(({ task }) => still.has(task.id));
}

function inLineOf({ suspects }: Look): string[] {
  return suspects.filter(({ task }) => task.waitingFor === 'resources').map(({ task }) => task.id);
}

function seenAs(process: Roster['processes'][number], roster: Roster): SeenProcess {
  return {
    ...process,
    online: roster.isLive(process),
    leading: roster.isLeading(process),
    freeSlots: process.role === 'worker' ? roster.freeSlots(process) : 0,
    gone: provedGone(process),
  };
}

async function readSchedules({ schedules }: Store): Promise<Schedule[]> {
  const all: Schedule[] = [];
  let page: Schedule[];
  do {
    page = await schedules.list(SCHEDULES_A_PAGE, all.at(-1)?.id);
    all.push(...page);
  } while (page.length === SCHEDULES_A_PAGE && all.length < MOST_SCHEDULES);
  return all;
}

/** The first page will do: whoever ends them ends all. */
async function readAbandoned(store: Store, sweepMs: number): Promise<RecordsEvidence['abandoned']> {
  const [{ tasks }, now] = await Promise.all([store.tasks.activeOfTheDead(500), store.schedules.now()]);
  return tasks.flatMap(({ id, name, run, startedAt }) => {
    const since = startedAt ?? run?.at;
    if (!run || !since || now.getTime() - since.getTime() <= 2 * sweepMs) return [];
    return [{ id, name, worker: run.worker, since }];
  });
}

async function readBlocked(store: Store, blockedAfterMs: number): Promise<RecordsEvidence['blocked']> {
  const found = await store.tasks.readyFor('resources', blockedAfterMs, MOST_BLOCKED);
  const blocked: { id: string; name: string; text: string }[] = [];
  for (const { id, name, seq } of found) {
    const task = await store.tasks.get(id);
    if (task?.waitingFor !== 'resources' || task.grant) continue;
    const [lines, rate, now] = await Promise.all([readLines(store, task), readRate(store, task, seq), store.schedules.now()]);
    const { text } = explain({ task, lines, rate, now, workers: [], resourceManager: true, beat: true });
    blocked.push({ id, name, text });
  }
  return blocked;
}

/** Groups and parents may hold a task back for as long as they are open. */
async function readUnpurged(store: Store, { retention }: Config): Promise<RecordsEvidence['unpurged']> {
  const now = await store.schedules.now();
  const pages = await Promise.all(
    FINAL_STATES.map(async state => {
      const keptSeconds = retention[`${state}Seconds`];
      if (keptSeconds === 0) return [];
      const finishedBefore = new Date(now.getTime() - keptSeconds * 1_000 - PURGE_GRACE_MS);
      const { items } = await store.tasks.list({ state: [state], finishedBefore }, { limit: MOST_UNPURGED, newestFirst: false });
      return items.flatMap(({ id, finishedAt, group, parent }) =>
        finishedAt && group === undefined && parent === undefined ? [{ id, state, finishedAt, keptSeconds }] : [],
      );
    }),
  );
  return pages.flat();
}
