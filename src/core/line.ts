import { claimsOf, conflicts, type Claim, type Mode } from './reservation.js';
import type { Task } from './task.js';

/** What of a task matters to those who stand in the same line. */
export type InLine = Pick<Task, 'id' | 'seq' | 'exclusive' | 'shared' | 'grant' | 'run'>;

export interface Holder {
  task: string;
  /** Null: granted, but no worker has started it yet. */
  worker: string | null;
  since: string;
}

/** A task's standing with one of its resources. */
export interface Standing {
  name: string;
  mode: Mode;
  /** Tasks that hold it now; the task itself may be among them. */
  holders: Holder[];
  /** Ids of the tasks in line before it that it conflicts with, next one first; at most 1,000 are named. */
  ahead: string[];
  /** 1 = next; null when it is not in line: it holds the resource, is delayed, or has ended. */
  position: number | null;
}

/** Holders and waiting tasks of a resource. */
export type LineOf = (resource: string) => readonly InLine[];
export type Reserving = Pick<Task, 'id' | 'exclusive' | 'shared'>;

const MAX_NAMED = 1_000;

/**
 * How a task stands with each of its resources. `lineOf` gives holders and waiting tasks of a resource; `seq` is the task's own
 * number, Infinity for one that is not stored yet, undefined for one that is not in line.
 */
export function standings(task: Reserving, seq: number | undefined, lineOf: LineOf): Standing[] {
  return claimsOf(task).map(claim => standing(claim, seq, lineOf(claim.resource)));
}

function standing(claim: Claim, seq: number | undefined, line: readonly InLine[]): Standing {
  const ahead = seq === undefined ? [] : line.filter(other => !other.grant && other.seq < seq && conflictsWith(other, claim));
  ahead.sort((a, b) => a.seq - b.seq);
  return {
    name: claim.resource,
    mode: claim.mode,
    holders: line.flatMap(holderOf),
    ahead: ahead.slice(0, MAX_NAMED).map(other => other.id),
    position: seq === undefined ? null : ahead.length + 1,
  };
}

function conflictsWith(other: InLine, claim: Claim): boolean {
  return claimsOf(other).some(theirs => conflicts(theirs, claim));
}

export function holderOf({ id, grant, run }: InLine): Holder[] {
  return grant ? [{ task: id, worker: run?.worker ?? null, since: grant.at.toISOString() }] : [];
}

/** Ids of everything that keeps a task with these standings from its resources: holders that it conflicts with, then those ahead. */
export function blockersOf(task: Reserving, found: readonly Standing[], lineOf: LineOf): string[] {
  const holding = found.flatMap(({ name, mode }) =>
    // It may have been granted itself since it was read.
    lineOf(name).filter(other => other.grant && other.id !== task.id && conflictsWith(other, { resource: name, mode, units: 1 })),
  );
  return [...new Set([...holding.map(other => other.id), ...found.flatMap(each => each.ahead)])];
}
