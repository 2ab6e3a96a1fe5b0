import { blockersOf, standings, type LineOf, type Standing } from './line.js';
import { isFinal, type State, type WaitingFor } from './state.js';
import type { Task } from './task.js';

/** A live worker, as far as it matters to a waiting task. */
export interface LiveWorker {
  name: string;
  queues: readonly string[];
  /** Takes nothing but what is bound to it. */
  dedicated: boolean;
  freeSlots: number;
}

export interface Facts {
  task: Task;
  /** Holders and waiting tasks of each of its resources. */
  lineOf: LineOf;
  workers: readonly LiveWorker[];
  /** Whether somebody who grants, and somebody who ends delays, is live. */
  resourceManager: boolean;
  beat: boolean;
  /** States of what it comes after, where it waits for that; undefined for one that is gone. */
  before?: ReadonlyMap<string, State> | undefined;
  /** Why nothing is granted at all, though somebody may lead. */
  problem?: string | undefined;
  now: Date;
}

export interface Explanation {
  state: State;
  waitingFor: WaitingFor | null;
  resources: Standing[];
  /** Live workers, those of them that may start this task, and the free slots of the latter. */
  workers: { live: number; free: number; suitable: number };
  text: string;
}

/** Why a task is where it is; there is always an answer. */
export function explain(facts: Facts): Explanation {
  const { task, workers, lineOf } = facts;
  const inLine = task.state === 'waiting' && task.waitingFor === 'resources' && !task.grant;
  const resources = standings(task, inLine ? task.seq : undefined, lineOf);
  const suitable = workers.filter(worker => mayStart(worker, task));
  const free = suitable.reduce((sum, worker) => sum + worker.freeSlots, 0);
  const counts = { live: workers.length, free, suitable: suitable.length };
  const text = sentence(facts, resources, counts);
  return { state: task.state, waitingFor: task.waitingFor ?? null, resources, workers: counts, text };
}

function mayStart(worker: LiveWorker, task: Task): boolean {
  if (task.grant?.worker !== undefined) return worker.name === task.grant.worker;
  return !worker.dedicated && worker.queues.includes(task.queue);
}

type Counts = Explanation['workers'];

function sentence(facts: Facts, resources: readonly Standing[], counts: Counts): string {
  const { task, now } = facts;
  if (task.damaged !== undefined && !isFinal(task.state)) {
    return `Its record is damaged (${task.damaged}): it is neither granted nor started. It ends as failed unless somebody mends it by hand.`;
  }
  switch (task.state) {
    case 'waiting':
      return waiting(facts, resources, counts);
    case 'running':
      return `It has been running on ${workerOf(task)} for ${ago(task.startedAt, now)} (start ${task.attempt} of at most ${task.maxAttempts}).`;
    case 'canceling':
      return `It was cancelled ${ago(task.cancel?.at, now)} ago and ${workerOf(task)} is stopping it.`;
    default:
      return `It ended ${ago(task.finishedAt, now)} ago as ${task.state}${task.reason ? ` (${task.reason})` : ''}: it waits for nothing.`;
  }
}

function waiting(facts: Facts, resources: readonly Standing[], counts: Counts): string {
  const { task, now } = facts;
  switch (task.waitingFor ?? 'worker') {
    case 'delay':
    case 'retry':
      return forTime(task, facts.beat, now);
    case 'resources':
      return forResources(facts, resources);
    case 'worker':
      return forWorker(facts, counts);
    case 'dependencies':
      return forDependencies(facts);
    case 'limit':
      return 'It waits for a limit on how many tasks of its kind may run, or start, at a time.';
  }
}

/** So many are named. */
const NAMED = 5;

function forDependencies({ task, before, beat }: Facts): string {
  const { after = [], join = 'all-success' } = task;
  const stateOf = (id: string): State | undefined => before?.get(id);
  const open = after.filter(({ id }) => !isFinal(stateOf(id) ?? 'canceled'));
  const named = open.slice(0, NAMED).map(({ node, id }) => `${quoted(node)} (task ${id}, ${stateOf(id) ?? ''})`);
  const more = open.length > NAMED ? `, and ${open.length - NAMED} more` : '';
  if (open.length > 0)
    return `It comes after ${after.length} tasks (${join}), of which ${open.length} ${open.length === 1 ? 'has' : 'have'} not ended: ${named.join(', ')}${more}.`;
  const who = beat ? 'a beat looks within seconds' : 'no beat is live to look: start one';
  return `It comes after ${after.length} tasks (${join}), and all of them have ended: ${who}.`;
}

function forTime(task: Task, beat: boolean, now: Date): string {
  const what =
    task.waitingFor === 'retry' ? `the delay after its start ${task.attempt}, which failed${lastError(task)},` : 'its delay';
  const dueAt = task.dueAt ?? now;
  const leftMs = dueAt.getTime() - now.getTime();
  if (leftMs > 0) return `It waits for ${what} to end at ${dueAt.toISOString()}, in ${span(leftMs)}.`;
  if (!beat) return `It should be ready since ${span(-leftMs)} (${what} is over), but no beat is live to make it so: start one.`;
  return `It is about to be ready: ${what} ended ${span(-leftMs)} ago and a beat notices within seconds.`;
}

function lastError({ attempts }: Task): string {
  const error = attempts.at(-1)?.error;
  return error ? ` (${error.code}: ${error.message.slice(0, 200)})` : '';
}

function forResources({ task, lineOf, resourceManager, problem }: Facts, resources: readonly Standing[]): string {
  if (problem !== undefined) return `It waits for its resources, but nothing is granted at all: ${problem}`;
  const leaderless = resourceManager ? '' : ' But no resource manager leads: nothing is granted until one does.';
  const blocked = resources
    .map(each => ({ each, blockers: blockersOf(task, [each], lineOf) }))
    .filter(({ blockers }) => blockers.length > 0);
  const [first] = blocked;
  if (!first) {
    const names = [...task.exclusive, ...task.shared].map(quoted).join(', ');
    return `Nothing is in its way: ${names} will be granted to it next.${leaderless}`;
  }
  const others =
    blocked.length > 1
      ? ` It also waits for ${blocked
          .slice(1)
          .map(({ each }) => quoted(each.name))
          .join(', ')}.`
      : '';
  return `It waits for ${quoted(first.each.name)} (${first.each.mode}), which ${inTheWay(first.each, first.blockers)}.${others}${leaderless}`;
}

function inTheWay({ holders, ahead, position }: Standing, blockers: readonly string[]): string {
  const [holder] = holders.filter(each => blockers.includes(each.task));
  const held =
    holder &&
    `task ${holder.task} holds ${holder.worker === null ? 'but has not started' : `on ${holder.worker}`} since ${holder.since}`;
  const place =
    (position ?? 1) === 1
      ? 'it is next in line'
      : `${(position ?? 1) - 1} ${position === 2 ? 'task stands' : 'tasks stand'} in line before it`;
  return held ? `${held}; ${place}` : `is not held, but ${place}, the next being task ${ahead[0] ?? ''}`;
}

function forWorker({ task, workers }: Facts, counts: Counts): string {
  const bound = task.grant?.worker;
  const ready = task.grant ? 'It has its resources and' : 'It is ready and';
  if (bound !== undefined && counts.suitable === 0)
    return `${ready} is bound to the worker ${bound}, which is not live: it is bound anew, or canceled with that worker where \`workers.onMissing\` says so.`;
  if (counts.live === 0) return `${ready} waits for a worker: none is live. Start one.`;
  if (counts.suitable === 0) {
    const queues = [...new Set(workers.flatMap(worker => worker.queues))].sort();
    return `${ready} waits for a worker of the queue ${quoted(task.queue)}: the live ones take only ${queues.map(quoted).join(', ') || 'what is bound to them'}.`;
  }
  const who = bound ?? (counts.suitable === 1 ? 'the one worker of its queue' : `the ${counts.suitable} workers of its queue`);
  if (counts.free === 0) return `${ready} waits for a free slot: all slots of ${who} are busy.`;
  return `${ready} starts next: ${who} ${counts.suitable === 1 || bound !== undefined ? 'has' : 'have'} ${counts.free} free ${counts.free === 1 ? 'slot' : 'slots'}.`;
}

function workerOf(task: Task): string {
  return task.run?.worker ?? 'its worker';
}

function quoted(name: string): string {
  return `"${name}"`;
}

function ago(since: Date | undefined, now: Date): string {
  return span(since ? now.getTime() - since.getTime() : 0);
}

/** `340 ms`, `12 s`, `3 min`, `5 h`, `2 days`: enough for a sentence. */
function span(ms: number): string {
  const units: [string, number][] = [
    ['days', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const whole = Math.max(0, Math.round(ms));
  const [unit, size] = units.find(([, size]) => whole >= 2 * size) ?? ['ms', 1];
  return `${Math.round(whole / size)} ${unit}`;
}
