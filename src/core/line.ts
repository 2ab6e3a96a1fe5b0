import { isLent, lenderChain } from './lending.js';
import { claimsOf, conflicts, type Claim, type Mode } from './reservation.js';
import type { Task } from './task.js';

/** What of a task matters to those who stand in the same line. */
export type InLine = Pick<Task, 'id' | 'seq' | 'exclusive' | 'shared' | 'counted' | 'grant' | 'run' | 'under'>;

export interface Holder {
  task: string;
  /** Null: granted, but no worker has started it yet. */
  worker: string | null;
  since: string;
  /** Under whose reservation it holds; null: its own. */
  lender: string | null;
}

/** A task's standing with one of its resources. */
export interface Standing {
  name: string;
  mode: Mode;
  /** Of a counted one: how many units it asks for, of how many there are (0: nobody has declared them), and how many are held. */
  units: number | null;
  capacity: number | null;
  held: number | null;
  /** Tasks that hold it now, or something that it has in common with it; the task itself may be among them. */
  holders: Holder[];
  /** Ids of the tasks in line before it that it conflicts with, or counts with, next one first; at most 1,000 are named. */
  ahead: string[];
  /** 1 = next; null when it is not in line: it holds the resource, is delayed, or has ended. */
  position: number | null;
}

/** Holders and waiting tasks of a resource, also those that reserve it by a pattern. */
export type LineOf = (resource: string) => readonly InLine[];

export interface Lines {
  lineOf: LineOf;
  /** Units of counted resources that are declared. */
  capacities: ReadonlyMap<string, number>;
  /** Knows lenders that do not stand in these lines. */
  find?: (id: string) => InLine | undefined;
}

export type Reserving = Pick<Task, 'id' | 'exclusive' | 'shared' | 'counted' | 'under'>;

/** A task that stands in the way of another one, and by which of its claims. */
export interface Blocker {
  task: InLine;
  claim: Claim;
}

export interface Judged {
  standing: Standing;
  /** Whatever keeps it from this resource: holders first, then those ahead in order. */
  blockers: Blocker[];
  /** There are blockers, or it asks for more than there is. */
  blocked: boolean;
}

const MAX_NAMED = 1_000;

/**
 * How a task stands with each of its resources, and what is in its way. `seq` is the task's own number, Infinity for one that is not stored yet,
 * undefined for one that is not in line.
 */
export function judge(task: Reserving, seq: number | undefined, lines: Lines): Judged[] {
  return claimsOf(task).map(claim => judgeOne({ task, claim, seq }, lines));
}

interface Wish {
  task: Reserving;
  claim: Claim;
  seq: number | undefined;
}

function judgeOne({ task, claim, seq }: Wish, lines: Lines): Judged {
  const { mode, units } = claim;
  const line = lines.lineOf(claim.resource);
  const holding = line.filter(other => other.grant);
  const others = line.filter(inItsWay(task, claim, lines.find ?? (id => line.find(other => other.id === id))));
  const ahead = seq === undefined ? [] : others.filter(other => !other.grant && other.seq < seq && claimOf(other, claim, true));
  ahead.sort((a, b) => a.seq - b.seq);
  // It may have been granted itself since it was read.
  const before = [...others.filter(other => other.grant), ...ahead];
  const capacity = capacityFor(claim, line, lines.capacities);
  const full = mode === 'counted' && unitsOf(before, claim) + units > capacity;
  const blockers = before.flatMap(other => {
    const theirs = claimOf(other, claim, full);
    return theirs ? [{ task: other, claim: theirs }] : [];
  });
  const counts =
    mode === 'counted' ? { units, capacity, held: unitsOf(holding, claim) } : { units: null, capacity: null, held: null };
  const standing = {
    ...{ name: claim.resource, mode, ...counts },
    holders: holding.flatMap(holderOf),
    ahead: ahead.slice(0, MAX_NAMED).map(other => other.id),
    position: seq === undefined ? null : ahead.length + 1,
  };
  return { standing, blockers, blocked: full || blockers.length > 0 };
}

/** The claim by which another task conflicts with this one or, where that matters, counts with it. */
function claimOf(other: InLine, claim: Claim, counting: boolean): Claim | undefined {
  return claimsOf(other).find(theirs => conflicts(theirs, claim) || (counting && countsWith(theirs, claim)));
}

function countsWith(a: Claim, b: Claim): boolean {
  return a.mode === 'counted' && b.mode === 'counted' && a.resource === b.resource;
}

function unitsOf(tasks: readonly InLine[], claim: Claim): number {
  const claims = tasks.flatMap(claimsOf).filter(theirs => countsWith(theirs, claim));
  return claims.reduce((sum, { units }) => sum + units, 0);
}

/** As declared; of a limit, as the newest number that waits says. */
function capacityFor(claim: Claim, line: readonly InLine[], capacities: Lines['capacities']): number {
  if (claim.capacity === undefined) return capacities.get(claim.resource) ?? 0;
  const waiting = line.filter(other => !other.grant).sort((a, b) => b.seq - a.seq);
  const [newest] = waiting.flatMap(claimsOf).filter(theirs => countsWith(theirs, claim));
  return newest?.capacity ?? claim.capacity;
}

/** Ids of everything that is in the way, each once. */
export function blockerIds(judged: readonly Judged[]): string[] {
  return [...new Set(judged.flatMap(({ blockers }) => blockers.map(({ task }) => task.id)))];
}

/**
 * Who counts at all: everybody else or, where a lender lends it that, whoever holds, and the other borrowers of that lender. A holder that is none of them may
 * have been one, whose own lender has ended; and a lender between the two that holds less does not lend it. It may have been granted itself since it was read.
 */
function inItsWay(task: Reserving, claim: Claim, find: (id: string) => InLine | undefined): (other: InLine) => boolean {
  const chain = chainOf(task, find);
  const lender = chain.find(each => isLent(claim, claimsOf(each)));
  if (!lender) return other => other.id !== task.id;
  const spared = new Set([task.id, ...chain.slice(chain.indexOf(lender)).map(({ id }) => id)]);
  return other => !spared.has(other.id) && (other.grant !== undefined || chainOf(other, find).some(({ id }) => id === lender.id));
}

/** The lender of a task, the lender's lender, …, as far as they hold. */
function chainOf({ under }: Pick<InLine, 'under'>, find: (id: string) => InLine | undefined): InLine[] {
  const chain = lenderChain(under, id => {
    const lender = find(id);
    return lender?.grant && { id, fence: lender.grant.fence, under: lender.under };
  });
  return chain.flatMap(({ id }) => find(id) ?? []);
}

export function holderOf({ id, grant, run, under }: InLine): Holder[] {
  return grant ? [{ task: id, worker: run?.worker ?? null, since: grant.at.toISOString(), lender: under?.task ?? null }] : [];
}
