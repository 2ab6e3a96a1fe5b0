import { byRank } from '../core/priority.js';
import type { Task } from '../core/task.js';
import type { Runtime } from '../process/runtime.js';
import type { TaskStore } from '../store/store.js';
import type { Familiarity } from './familiarity.js';
import { giveBack, type GiveBackDeps } from './give-back.js';
import type { OwnTasks } from './own-tasks.js';
import type { Claimed } from './claimed.js';

export interface ClaimDeps extends GiveBackDeps {
  tasks: Pick<TaskStore, 'claimable' | 'start' | 'startBest' | 'giveBack'>;
  own: OwnTasks;
  familiar: Familiarity;
  runtime: Runtime;
  worker: string;
  queues: string[];
}

export interface Claim {
  started: Claimed[];
  /** Somebody else was quicker with some of them: there may be more. */
  contended: boolean;
  /** Whether there are more; undefined where one was asked for and found, which shows no others. */
  more: boolean | undefined;
  /** Whether the next one, for which there is no slot, may run again, and so may be claimed ahead; undefined as above. */
  nextAgain: boolean | undefined;
  /** Some that could start were bound to this worker: there may be others. */
  bound: boolean;
}

const NOTHING = { started: [], contended: false, more: false, nextAgain: undefined, bound: false };

/** How many tasks there is a slot for, and how many more may be claimed if they are of types that may run again. */
export interface Room {
  free: number;
  ahead: number;
}

/**
 * Step 4: starts the best tasks that could start, by rank, and with `bound` those that are bound to this worker among them.
 * What it resolves with is ours beyond doubt. Throws StoreError; then nothing is begun, and should the write have landed all the same, the
 * next heartbeat gives those tasks back.
 */
export function claim(deps: ClaimDeps, incarnation: string, room: Room, bound: boolean): Promise<Claim> {
  const { familiar } = deps;
  const one = room.free === 1 && room.ahead === 0 && !bound;
  return one && (!familiar.wary || familiar.only) ? claimOne(deps, incarnation) : claimMany(deps, incarnation, room, bound);
}

/** One step: with one slot to fill, which is most often the case with tasks that take a while, it is a third of what the database needs. */
async function claimOne(deps: ClaimDeps, incarnation: string, again = true): Promise<Claim> {
  const { tasks, own, runtime, worker, queues, familiar } = deps;
  const token = runtime.random.uuid();
  own.expectAny(token);
  try {
    const task = await tasks.startBest(queues, { worker, incarnation, token }, familiar.only);
    if (!task) return NOTHING;
    own.expect(task.id, token);
    if (familiar.knows(task)) return { ...NOTHING, started: [{ task, token, incarnation }], more: undefined };
    familiar.met(task);
    await giveBack({ task, token }, deps);
  } finally {
    own.forgetAny(token);
  }
  return again ? claimOne(deps, incarnation, false) : NOTHING; // by name now, so that it is not met again
}

/** Reads them, and starts them by compare-and-set in one command. */
async function claimMany(deps: ClaimDeps, incarnation: string, room: Room, bound: boolean): Promise<Claim> {
  const { tasks, own, runtime, worker, queues, familiar } = deps;
  const { only } = familiar;
  const limit = room.free + room.ahead;
  // One more than there is room for, to see whether there is a backlog.
  const candidates = await tasks.claimable({ queues, ...(bound ? { worker } : {}), only, limit: limit + 1 });
  const sorted = candidates.filter(task => familiar.knows(task)).sort(byRank);
  if (!only && leftToOthers(candidates, familiar) && familiar.only) return claimMany(deps, incarnation, room, bound);
  const next = sorted[room.free];
  const seen = {
    more: sorted.length > limit,
    nextAgain: next === undefined ? undefined : mayBeAhead(next),
    bound: sorted.some(task => task.grant?.worker !== undefined),
  };
  const best = bestOf(sorted, room);
  if (best.length === 0) return { ...NOTHING, ...seen };
  const token = runtime.random.uuid();
  for (const { id } of best) own.expect(id, token);
  let mine = new Set<string>();
  try {
    const starts = best.map(task => ({ id: task.id, attempt: task.attempt, fence: task.grant?.fence ?? 0 }));
    mine = await tasks.start(starts, { worker, incarnation, token });
  } finally {
    for (const { id } of best) if (!mine.has(id)) own.forget(id, token);
  }
  const at = runtime.clock.wall(); // for display in this process; the record has the server's time
  const started = best
    .filter(task => mine.has(task.id))
    .map((task): Claimed => ({
      task: { ...task, state: 'running', attempt: task.attempt + 1, run: { worker, incarnation, token, at } },
      token,
      incarnation,
    }));
  return { ...seen, started, contended: started.length < best.length };
}

/** Of one with a rate, the start in its record is to be the start of its body. */
function mayBeAhead({ onWorkerLoss, rate }: Task): boolean {
  return onWorkerLoss === 'requeue' && rate === undefined;
}

/** Whether there are any; from then on claims name what is known. */
function leftToOthers(candidates: readonly Task[], familiar: Familiarity): boolean {
  const strangers = candidates.filter(task => !familiar.knows(task));
  for (const task of strangers) familiar.met(task);
  if (strangers.length === 0 && familiar.wary) familiar.sawNone();
  return strangers.length > 0;
}

/** A task that may not be claimed ahead is not overtaken by worse ones that may: it ends the list. */
function bestOf(sorted: readonly Task[], { free, ahead }: Room): Task[] {
  const best = sorted.slice(0, free + ahead);
  const last = best.findIndex((task, place) => place >= free && !mayBeAhead(task));
  return last < 0 ? best : best.slice(0, last);
}
