import type { ProcessRecord } from '../core/process.js';
import { burstOf, intervalMsOf, type Rate } from '../core/rate.js';
import { claimsOf, type Claim } from '../core/reservation.js';
import { isFinal, type State, type WaitingFor } from '../core/state.js';
import { needsResources } from '../core/task.js';
import { spanText, timeText, type Finding } from './finding.js';
import { Fleet, Work } from './fleet.js';
import { Lines } from './lines.js';
import type { AuditedTask } from './record.js';

/** How things stand when the records have been read. */
export interface Standing {
  processes: readonly ProcessRecord[];
  nowMs: number;
  /** A wait without a reason is a finding once it lasts longer than this. */
  patienceMs: number;
  /** How long a cancelled body may go on. */
  cancelGraceMs?: number | undefined;
  /** Units of counted resources; without them, whoever waits for some has a reason. */
  capacities?: ReadonlyMap<string, number> | undefined;
}

/** While the resource manager works off a burst, those whose turn has not come yet may wait this much longer. */
const BURST = 10;

/** What is left of a task that is not final, as its wait is judged when all of them are known. */
interface Open {
  owner: number;
  state: State;
  waitingFor: WaitingFor | undefined;
  seq: number;
  claims: readonly Claim[];
  rate: Rate | undefined;
  since: number;
  dueAt: number | undefined;
  expiresAt: number | undefined;
  cancelledAt: number | undefined;
  name: string;
  version: number | undefined;
  queue: string;
  boundTo: string | undefined;
  run: { worker: string; incarnation: string; at: number } | undefined;
  /** Server time at which it stood so. */
  readAt: number;
}

/** Who waits for a turn under a rate, and who has one and has not started. */
interface Turns {
  waiting: number;
  pending: number;
}

/** Why every open task is where it is. */
export class Waits {
  readonly #open: Open[] = [];
  readonly #lines = new Lines();
  readonly #turns = new Map<string, Turns>();
  readonly #work = new Work();
  #lastGrant = -Infinity;

  add(task: AuditedTask, owner: number, readAt: number): void {
    this.#work.add(task);
    if (needsResources(task)) this.#note(task);
    if (!isFinal(task.state)) this.#open.push(openOf(task, owner, readAt));
  }

  /** Nobody can tell what a damaged record holds, so whoever waits for these has a reason. */
  block(resources: readonly string[]): void {
    for (const resource of resources) this.#lines.hold({ resource, mode: 'exclusive', units: 1 });
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
    if (task.rate) this.#noteTurn(task.rate.key, inLine, holds && task.waitingFor === 'worker');
    for (const claim of claimsOf(task)) {
      this.#lines.release(claim, ended);
      if (holds) this.#lines.hold(claim);
      else if (inLine) this.#lines.wait(claim, task.seq);
    }
  }

  #noteTurn(key: string, waiting: boolean, pending: boolean): void {
    const turns = this.#turns.get(key) ?? { waiting: 0, pending: 0 };
    this.#turns.set(key, { waiting: turns.waiting + Number(waiting), pending: turns.pending + Number(pending) });
  }

  /** How long it may take until a task's turn comes, if all of its key go before it. */
  #turnMs(rate: Rate | undefined): number {
    if (!rate) return 0;
    const { waiting, pending } = this.#turns.get(rate.key) ?? { waiting: 0, pending: 0 };
    return pending >= burstOf(rate) ? Infinity : (waiting + burstOf(rate)) * intervalMsOf(rate);
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

  #ofResources(open: Open, fleet: Fleet, { patienceMs, capacities }: Standing): { evidence: string } | undefined {
    if (open.claims.some(claim => this.#lines.blocked(claim, open.seq, capacities))) return undefined;
    const freed = open.claims.map(claim => this.#lines.releasedAt(claim));
    const since = Math.max(open.since, fleet.liveSince('resource-manager'), ...freed);
    const longMs = open.readAt - since;
    const busy = open.readAt - this.#lastGrant <= patienceMs;
    if (longMs <= (busy ? BURST * patienceMs : patienceMs) + this.#turnMs(open.rate)) return undefined;
    const limit = open.rate ? [`the rate limit "${open.rate.key}"`] : [];
    const names = [...open.claims.map(({ resource }) => `"${resource}"`), ...limit].join(', ');
    return {
      evidence: `waits for ${names} (number ${open.seq}) for ${spanText(longMs)} since ${timeText(since)}, although nobody holds them against it, nobody stands in line before it, and a resource manager is live`,
    };
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
  const { state, waitingFor, seq, name, version, queue, run, grant } = task;
  return {
    owner,
    state,
    waitingFor,
    seq,
    claims: claimsOf(task),
    rate: task.rate,
    since: (task.readyAt ?? task.createdAt).getTime(),
    dueAt: task.dueAt?.getTime(),
    expiresAt: task.expiresAt?.getTime(),
    cancelledAt: task.cancel?.at.getTime(),
    name,
    version,
    queue,
    boundTo: grant?.worker,
    run: run && { worker: run.worker, incarnation: run.incarnation, at: run.at.getTime() },
    readAt,
  };
}
