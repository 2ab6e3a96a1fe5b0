import type { LineOf } from '../../core/line.js';
import { claimsOf } from '../../core/reservation.js';
import type { Task } from '../../core/task.js';
import type { TaskStore } from '../../store/store.js';

/** A line longer than this is cut; positions are exact up to here. */
export const MAX_LINE = 10_000;

/** Holders and waiting tasks of every resource of this task. */
export async function readLines(tasks: Pick<TaskStore, 'line'>, task: Pick<Task, 'exclusive' | 'shared'>): Promise<LineOf> {
  const names = claimsOf(task).map(claim => claim.resource);
  const lines = await Promise.all(names.map(async name => [name, await tasks.line(name, MAX_LINE)] as const));
  const byName = new Map(lines);
  return name => byName.get(name) ?? [];
}
