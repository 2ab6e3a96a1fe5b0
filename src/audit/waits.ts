import type { ProcessRecord } from '../core/process.js';
import { claimsOf, type Mode } from '../core/reservation.js';
import { isFinal, type State, type WaitingFor } from '../core/state.js';
import { needsResources } from '../core/task.js';
import { spanText, timeText, type Finding } from './finding.js';
import { Fleet, Work } from './fleet.js';
import type { AuditedTask } from './record.js';

/** How things stand when the records have been read. */
export interface Standing {
  processes: readonly ProcessRecord[];
  nowMs: number;
  /** A wait without a reason is a finding once it lasts longer than this. */
  patienceMs: number;
  /** How long a cancelled body may go on. */
  cancelGraceMs?: number | undefined;
}

/** While the resource manager works off a burst, those whose turn has not come yet may wait this much longer. */
const BURST = 10;

/** What is left of a task that is not final, as its wait is judged when all of them are known. */
interface Open {
  owner: number;
  state: State;
  waitingFor: WaitingFor | undefined;
  seq: number;
  claims: readonly { resource: string; mode: Mode }[];
  since: number;
  dueAt: number | undefined;
  expiresAt: number | undefined;
  cancelledAt: number | undefined;
  queue: string;
  boundTo: string | undefined;
  run: { worker: string; incarnation: string; at: number } | undefined;
  /** Server time at which it stood so. */
  readAt: number;
}

/** The line of one resource, as far as it decides who is next. */
interface Line {
  holders: number;
  exclusiveHolders: number;
  first: number;
  firstExclusive: number;
}

/** Why every open task is where it is. Its own reckoning: it must not share a mistake with the conflict graph. */
export class Waits {
  readonly #open: Open[] = [];
  readonly #lines = new Map<string, Line>();
  readonly #released = new Map<string, number>();
  readonly #work = new Work();
  #lastGrant = -Infinity;

  add(task: AuditedTask, owner: number, readAt: number): void {
    this.#work.add(task);
    if (needsResources(task)) this.#note(task);
    if (!isFinal(task.state)) this.#open.push(openOf(task, owner, readAt));
  }

  /** Nobody can tell what a damaged record holds, so whoever waits for these has a reason. */
  block(resources: readonly string[]): void {
    for (const resource of resources) {
      const line = this.#line(resource);
      line.holders++;
      line.exclusiveHolders++;
    }
  }

  /** Whatever is not final though the run is over. */
  *unfinished(idOf: (owner: number) => string): Generator<Finding> {
    for (const { owner, state, waitingFor, run, since } of this.#open) {
      const where = run ? ` on ${run.worker}` : waitingFor ? ` for ${waitingFor}` : '';
      const evidence = `Task ${idOf(owner)} is still ${state}${where} since ${timeText(run?.at ?? since)}, though everything was given time to end.`;
      yield { rule: 'unfinished', tasks: [idOf(owner)], evidence };
    }
  }

  /** Whatever waits, or goes on, for no reason that the records give. */
  *unexplained(idOf: (owner: number) => string, standing: Standing): Generator<Finding> {
    const fleet = new Fleet(standing.processes, this.#work, standing.nowMs);
    for (const each of this.#open) {
      const open = { ...each, readAt: Math.min(each.readAt, standing.nowMs) };
      const problem = this.#problem(open, fleet, standing);
      if (!problem) continue;
      const rule = problem.ignored ? 'cancel-ignored' : 'unexplained';
      yield { rule, tasks: [idOf(open.owner)], evidence: `Task ${idOf(open.owner)} ${problem.evidence}.` };
    }
  }

  #note(task: AuditedTask): void {
    const holds = task.grant !== undefined && !isFinal(task.state);
    const inLine = task.waitingFor === 'resources' && !task.grant;
    const ended = Math.max(
      -Infinity,
      task.finishedAt?.getTime() ?? -Infinity,
      ...task.attempts.map(each => each.finishedAt.getTime()),
    );
    const granted = task.grant?.at ?? task.attempts.at(-1)?.startedAt;
    if (granted) this.#lastGrant = Math.max(this.#lastGrant, granted.getTime());
    for (const { resource, mode } of claimsOf(task)) {
      if (ended > (this.#released.get(resource) ?? -Infinity)) this.#released.set(resource, ended);
      if (!holds && !inLine) continue;
      const line = this.#line(resource);
      if (holds) line.holders++;
      if (holds && mode === 'exclusive') line.exclusiveHolders++;
      if (inLine) line.first = Math.min(line.first, task.seq);
      if (inLine && mode === 'exclusive') line.firstExclusive = Math.min(line.firstExclusive, task.seq);
    }
  }

  #line(resource: string): Line {
    const line = this.#lines.get(resource) ?? { holders: 0, exclusiveHolders: 0, first: Infinity, firstExclusive: Infinity };
    this.#lines.set(resource, line);
    return line;
  }

  #problem(open: Open, fleet: Fleet, standing: Standing): { evidence: string; ignored?: true } | undefined {
    if (open.run) return this.#ofRun(open, open.run, fleet, standing) ?? ignoredCancel(open, standing);
    const beatSince = fleet.liveSince('beat');
    const overdue = (what: string, at: number | undefined): { evidence: string } | undefined => {
      const longMs = open.readAt - Math.max(at ?? Infinity, beatSince);
      if (at === undefined || longMs <= standing.patienceMs) return undefined;
      return {
        evidence: `is still waiting although ${what} at ${timeText(at)} and a beat has been live for ${spanText(open.readAt - beatSince)}`,
      };
    };
    const expired = overdue('it expired', open.expiresAt);
    if (expired) return expired;
    switch (open.waitingFor) {
      case 'delay':
      case 'retry':
        return overdue('its delay ended', open.dueAt);
      case 'resources':
        return this.#ofResources(open, fleet, standing);
      case 'worker':
        return ofWorker(open, fleet, standing);
      default:
        return undefined;
    }
  }

  #ofResources(open: Open, fleet: Fleet, { patienceMs }: Standing): { evidence: string } | undefined {
    if (open.claims.some(claim => this.#blocked(open.seq, claim))) return undefined;
    const freed = open.claims.map(({ resource }) => this.#released.get(resource) ?? -Infinity);
    const since = Math.max(open.since, fleet.liveSince('resource-manager'), ...freed);
    const longMs = open.readAt - since;
    const busy = open.readAt - this.#lastGrant <= patienceMs;
    if (longMs <= (busy ? BURST * patienceMs : patienceMs)) return undefined;
    const names = open.claims.map(({ resource }) => `"${resource}"`).join(', ');
    return {
      evidence: `waits for ${names} (number ${open.seq}) for ${spanText(longMs)} since ${timeText(since)}, although nobody holds them against it, nobody stands in line before it, and a resource manager is live`,
    };
  }

  #blocked(seq: number, { resource, mode }: Open['claims'][number]): boolean {
    const line = this.#lines.get(resource);
    if (!line) return false;
    return mode === 'exclusive' ? line.holders > 0 || line.first < seq : line.exclusiveHolders > 0 || line.firstExclusive < seq;
  }

  /** Twice the patience: the sweep has to see the process missing first. */
  #ofRun(
    { state, readAt }: Open,
    run: NonNullable<Open['run']>,
    fleet: Fleet,
    { patienceMs }: Standing,
  ): { evidence: string } | undefined {
    const goneSince = fleet.goneSince(run);
    if (goneSince === undefined) return undefined;
    const longMs = readAt - Math.max(goneSince, fleet.liveSince('beat'));
    if (longMs <= 2 * patienceMs) return undefined;
    return {
      evidence: `is ${state} on ${run.worker} since ${timeText(run.at)}, but that worker (incarnation ${run.incarnation}) has been gone for ${spanText(readAt - goneSince)} and no sweep has ended it`,
    };
  }
}

function ofWorker(open: Open, fleet: Fleet, { patienceMs }: Standing): { evidence: string } | undefined {
  const idle = fleet.idlest(open);
  if (!idle) return undefined;
  const since = Math.max(open.since, idle.since);
  const longMs = open.readAt - since;
  if (longMs <= patienceMs) return undefined;
  return {
    evidence: `is ready for a worker of the queue "${open.queue}" since ${timeText(open.since)}, and worker ${idle.worker} has had a free slot since ${timeText(idle.since)}, but it was not started for ${spanText(longMs)}`,
  };
}

function ignoredCancel(open: Open, { cancelGraceMs, patienceMs }: Standing): { evidence: string; ignored: true } | undefined {
  if (open.cancelledAt === undefined || cancelGraceMs === undefined) return undefined;
  const longMs = open.readAt - open.cancelledAt;
  if (longMs <= cancelGraceMs + 2 * patienceMs) return undefined;
  return {
    evidence: `was cancelled at ${timeText(open.cancelledAt)}, ${spanText(longMs)} ago, and is still canceling on ${open.run?.worker ?? ''}; a body has ${spanText(cancelGraceMs)}`,
    ignored: true,
  };
}

function openOf(task: AuditedTask, owner: number, readAt: number): Open {
  const { state, waitingFor, seq, queue, run, grant } = task;
  return {
    owner,
    state,
    waitingFor,
    seq,
    claims: claimsOf(task),
    since: (task.readyAt ?? task.createdAt).getTime(),
    dueAt: task.dueAt?.getTime(),
    expiresAt: task.expiresAt?.getTime(),
    cancelledAt: task.cancel?.at.getTime(),
    queue,
    boundTo: grant?.worker,
    run: run && { worker: run.worker, incarnation: run.incarnation, at: run.at.getTime() },
    readAt,
  };
}
