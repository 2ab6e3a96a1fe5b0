import { claimsOf } from '../../core/reservation.js';
import { isFinal } from '../../core/state.js';
import { overlap } from '../../core/subtree.js';
import type { Task } from '../../core/task.js';
import type { LineTask } from '../../store/store.js';
import type { SimulatedDatabase } from './database.js';
import type { Numbered } from './task-table.js';

type LineOrVoid = LineTask | { seq: number; void: true };

/** The newest ends that are told at once. */
const MAX_ENDED = 10_000;

export function range(db: SimulatedDatabase, seq: number, limit: number): LineOrVoid[] {
  const rows: LineOrVoid[] = [];
  for (const number of db.tasks.numbersAbove(seq)) {
    if (rows.length === limit) break;
    rows.push(toLineOrVoid(number, db.tasks.at(number)!));
  }
  return rows;
}

export function byNumbers(db: SimulatedDatabase, numbers: readonly number[]): LineOrVoid[] {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  return sorted.flatMap(number => {
    const found = db.tasks.at(number);
    return found === undefined ? [] : [toLineOrVoid(number, found)];
  });
}

export function voidNumbers(db: SimulatedDatabase, numbers: readonly number[]): void {
  for (const number of numbers) db.tasks.close(number);
}

/** A task with a grant that is not final: nothing else holds anything. */
export function holds(task: Task): boolean {
  return task.grant !== undefined && !isFinal(task.state);
}

export function holders(db: SimulatedDatabase, afterFence: number, limit: number): LineTask[] {
  const found = [...db.tasks.open()].filter(task => holds(task) && fenceOf(task) > afterFence);
  return found
    .sort((a, b) => fenceOf(a) - fenceOf(b))
    .slice(0, limit)
    .map(toLine);
}

function fenceOf(task: Task): number {
  return task.grant?.fence ?? 0;
}

export function countInLines(db: SimulatedDatabase, upToSeq: number, cap: number): { holding: number; waiting: number } {
  const count = (wanted: (task: Task) => boolean): number => Math.min(cap, [...db.tasks.open()].filter(wanted).length);
  return { holding: count(holds), waiting: count(task => task.waitingFor === 'resources' && task.seq <= upToSeq) };
}

export function waitingForResources(db: SimulatedDatabase, seq: number, limit: number): LineTask[] {
  return inOrder(db, limit, task => task.waitingFor === 'resources' && task.seq > seq);
}

export function byIds(db: SimulatedDatabase, ids: readonly string[]): LineTask[] {
  return [...new Set(ids)].flatMap(id => db.tasks.get(id) ?? []).map(toLine);
}

export function endedWithin(db: SimulatedDatabase, ms: number): string[] {
  const since = db.now().getTime() - ms;
  const ended = [...db.tasks.all()].filter(task => task.finishedAt !== undefined && task.finishedAt.getTime() >= since);
  ended.sort((a, b) => b.finishedAt!.getTime() - a.finishedAt!.getTime());
  return ended.slice(0, MAX_ENDED).map(task => task.id);
}

export function readyFor(db: SimulatedDatabase, waitingFor: 'worker' | 'resources', ms: number, limit: number): LineTask[] {
  const since = db.now().getTime() - ms;
  return inOrder(db, limit, task => task.waitingFor === waitingFor && (task.readyAt?.getTime() ?? -Infinity) <= since);
}

export function line(db: SimulatedDatabase, resource: string, limit: number): LineTask[] {
  const reserves = (task: Task): boolean => claimsOf(task).some(claim => overlap(claim.resource, resource));
  const holding = inOrder(db, limit, task => holds(task) && reserves(task));
  const waiting = inOrder(db, limit, task => task.waitingFor === 'resources' && reserves(task));
  return [...holding, ...waiting].slice(0, limit);
}

function inOrder(db: SimulatedDatabase, limit: number, wanted: (task: Task) => boolean): LineTask[] {
  const found = [...db.tasks.open()].filter(wanted).sort((a, b) => a.seq - b.seq);
  return found.slice(0, limit).map(toLine);
}

function toLineOrVoid(seq: number, found: Numbered): LineOrVoid {
  return found === 'void' ? { seq, void: true } : toLine(found);
}

function toLine(task: Task): LineTask {
  const { id, seq, name, queue, priority, exclusive, shared, state, maxAttempts, createdAt } = task;
  const line: LineTask = { id, seq, name, queue, priority, exclusive, shared, state, maxAttempts, createdAt };
  if (task.counted) line.counted = task.counted;
  if (task.waitingFor) line.waitingFor = task.waitingFor;
  if (task.grant) line.grant = task.grant;
  if (task.run) line.run = task.run;
  if (task.rate) line.rate = task.rate;
  if (task.startedAt) line.startedAt = task.startedAt;
  if (task.version !== undefined) line.version = task.version;
  if (task.awaiting) line.awaiting = task.awaiting;
  if (task.under) line.under = task.under;
  return line;
}
