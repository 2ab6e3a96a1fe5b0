import { forResources, waitsForLimits } from './explain-resources.js';
import { judge, type Judged, type Lines, type Standing } from './line.js';
import { span } from './span.js';
import { isFinal, type State, type WaitingFor } from './state.js';
import { mayRun, type KnownTypes } from './task-type.js';
import type { Task } from './task.js';
import { turnOf, turnText, type RateFacts, type Turn } from './turn.js';

/** A live worker, as far as it matters to a waiting task. */
export interface LiveWorker {
  name: string;
  queues: readonly string[];
  /** Takes nothing but what is bound to it. */
  dedicated: boolean;
  /** Takes no new work. */
  paused?: boolean;
  /** What its children have; none: nobody can tell. */
  types?: KnownTypes;
  freeSlots: number;
}

export interface Facts {
  task: Task;
  /** Holders and waiting tasks of each of its resources. */
  lines: Lines;
  workers: readonly LiveWorker[];
  /** Whether somebody who grants, and somebody who ends delays, is live. */
  resourceManager: boolean;
  beat: boolean;
  /** States of what it comes after, where it waits for that; undefined for one that is gone. */
  before?: ReadonlyMap<string, State> | undefined;
  /** Of its rate limit, where it has one. */
  rate?: RateFacts | undefined;
  /** Why nothing is granted at all, though somebody may lead. */
  problem?: string | undefined;
  now: Date;
}

export interface Explanation {
  state: State;
  waitingFor: WaitingFor | null;
  resources: Standing[];
  /** Its standing with its rate limit; null where it has none. */
  rate: Turn | null;
  /** Live workers, those of them that may start this task, and the free slots of the latter. */
  workers: { live: number; free: number; suitable: number };
  text: string;
}

/** Why a task is where it is; there is always an answer. */
export function explain(facts: Facts): Explanation {
  const { task, workers, lines } = facts;
  const stands = task.state === 'waiting' && task.waitingFor === 'resources' && !task.grant;
  const judged = judge(task, stands ? task.seq : undefined, lines);
  const rate = task.rate && facts.rate ? turnOf(task.rate, stands ? task.seq : undefined, facts.rate, facts.now) : null;
  const suitable = workers.filter(worker => mayStart(worker, task));
  const free = suitable.reduce((sum, worker) => sum + worker.freeSlots, 0);
  const counts = { live: workers.length, free, suitable: suitable.length };
  const text = sentence({ ...facts, turn: rate }, judged, counts);
  const waitingFor = stands && waitsForLimits(judged, rate !== null) ? 'limit' : (task.waitingFor ?? null);
  return { state: task.state, waitingFor, resources: judged.map(({ standing }) => standing), rate, workers: counts, text };
}

/** What of a task decides who may start it. */
type Startable = Pick<Task, 'name' | 'version' | 'queue' | 'grant'>;

/** Now, if it has a free slot. */
export function mayStart(worker: LiveWorker, task: Startable): boolean {
  return serves(worker, task) && mayRun(worker.types, task) && worker.paused !== true;
}

/** By its queues, or because the task is bound to it. */
export function serves(worker: LiveWorker, task: Startable): boolean {
  if (task.grant?.worker !== undefined) return worker.name === task.grant.worker;
  return !worker.dedicated && worker.queues.includes(task.queue);
}

type Counts = Explanation['workers'];
type Known = Facts & { turn: Turn | null };

function sentence(facts: Known, judged: readonly Judged[], counts: Counts): string {
  const { task, now } = facts;
  if (task.damaged !== undefined && !isFinal(task.state)) {
    return `Its record is damaged (${task.damaged}): it is neither granted nor started. It ends as failed unless somebody mends it by hand.`;
  }
  switch (task.state) {
    case 'waiting':
      return waiting(facts, judged, counts);
    case 'running':
      return `It has been running on ${workerOf(task)} for ${ago(task.startedAt, now)} (start ${task.attempt} of at most ${task.maxAttempts}).${awaits(task)}`;
    case 'canceling':
      return `It was cancelled ${ago(task.cancel?.at, now)} ago and ${workerOf(task)} is stopping it.`;
    default:
      return `It ended ${ago(task.finishedAt, now)} ago as ${task.state}${task.reason ? ` (${task.reason})` : ''}: it waits for nothing.`;
  }
}

function awaits({ awaiting = [] }: Task): string {
  if (awaiting.length === 0) return '';
  const more = awaiting.length > NAMED ? `, and ${awaiting.length - NAMED} more` : '';
  const whom = `task${awaiting.length === 1 ? '' : 's'} ${awaiting.slice(0, NAMED).join(', ')}${more}`;
  return ` It awaits ${whom} and has given its slot back meanwhile.`;
}

function waiting(facts: Known, judged: readonly Judged[], counts: Counts): string {
  const { task, now } = facts;
  switch (task.waitingFor ?? 'worker') {
    case 'delay':
    case 'retry':
      return forTime(task, facts.beat, now);
    case 'resources':
      return inLine(facts, judged);
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

function inLine({ resourceManager, problem, now, turn, rate }: Known, judged: readonly Judged[]): string {
  if (problem !== undefined) return `It waits for its resources, but nothing is granted at all: ${problem}`;
  const leaderless = resourceManager ? '' : ' But no resource manager leads: nothing is granted until one does.';
  const itsTurn = turn && turnText(turn, rate?.pending ?? 0, now);
  if (itsTurn && !judged.some(({ blocked }) => blocked)) return `It waits for its turn under ${itsTurn}${leaderless}`;
  const limited = itsTurn ? ` After that it takes its turn under ${itsTurn}` : '';
  return `${forResources(judged)}${limited}${leaderless}`;
}

function forWorker({ task, workers }: Facts, counts: Counts): string {
  const bound = task.grant?.worker;
  const ready = task.grant ? 'It has its resources and' : 'It is ready and';
  const serving = workers.filter(worker => serves(worker, task));
  if (bound !== undefined && serving.length === 0)
    return `${ready} is bound to the worker ${bound}, which is not live: it is bound anew, or canceled with that worker where \`workers.onMissing\` says so.`;
  if (counts.live === 0) return `${ready} waits for a worker: none is live. Start one.`;
  if (serving.length === 0) {
    const queues = [...new Set(workers.flatMap(worker => worker.queues))].sort();
    return `${ready} waits for a worker of the queue ${quoted(task.queue)}: the live ones take only ${queues.map(quoted).join(', ') || 'what is bound to them'}.`;
  }
  if (counts.suitable === 0) return `${ready} ${unserved(task, serving)}`;
  const who = bound ?? (counts.suitable === 1 ? 'the one worker of its queue' : `the ${counts.suitable} workers of its queue`);
  if (counts.free === 0) return `${ready} waits for a free slot: all slots of ${who} are busy.`;
  return `${ready} starts next: ${who} ${counts.suitable === 1 || bound !== undefined ? 'has' : 'have'} ${counts.free} free ${counts.free === 1 ? 'slot' : 'slots'}.`;
}

/** There are workers for it, but none of them takes it now. */
function unserved(task: Task, serving: readonly LiveWorker[]): string {
  const knowing = serving.filter(worker => mayRun(worker.types, task));
  const version = task.version === undefined ? '' : ` (version ${task.version})`;
  const where =
    task.grant?.worker === undefined
      ? `no live worker of the queue ${quoted(task.queue)}`
      : `${task.grant.worker}, to which it is bound,`;
  if (knowing.length === 0)
    return `waits for a worker that knows its type: ${where} ${task.grant?.worker === undefined ? 'knows' : 'does not know'} type ${quoted(task.name)}${version}. Start one that has this code.`;
  const names = knowing.slice(0, NAMED).map(({ name }) => name);
  const more = knowing.length > NAMED ? ` and ${knowing.length - NAMED} more` : '';
  return `waits for a worker: ${names.join(', ')}${more} ${knowing.length === 1 ? 'is' : 'are'} paused. Resume ${knowing.length === 1 ? 'it' : 'one of them'}.`;
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
