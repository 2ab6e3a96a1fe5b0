import type { History } from '../../../src/audit/history.js';
import { claimsOf, conflicts } from '../../../src/core/reservation.js';
import type { Task } from '../../../src/core/task.js';

type Full = Required<Pick<History, 'tasks' | 'bodies' | 'submissions' | 'cancels'>>;

export function full(history: History): Full {
  return history as Full;
}

/** The first pair of conflicting tasks that were both started, the earlier one first, with which `plant` can do something. */
export function withRivals(history: History, plant: (earlier: Task, later: Task) => string | undefined): string | undefined {
  return withPair(history, (a, b) => claimsOf(a).some(one => claimsOf(b).some(other => conflicts(one, other))), plant);
}

/** The body of the earlier one is said to have gone on until the later one's had begun. */
export function together(history: History, earlier: Task, later: Task): string | undefined {
  const [a, b] = [spanOf(history, earlier), spanOf(history, later)];
  if (!a || !b) return undefined;
  a.last = b.begin + 1;
  b.last = Math.max(b.last, b.begin + 2);
  return later.id;
}

/** Two of them take more than there are of something, and nothing else parts them. */
export function tooMany(a: Task, b: Task): boolean {
  if (claimsOf(a).some(one => claimsOf(b).some(other => conflicts(one, other)))) return false;
  return (a.counted ?? []).some(({ name, units, capacity = 4 }) =>
    (b.counted ?? []).some(other => other.name === name && units + other.units > capacity),
  );
}

export function withPair(
  history: History,
  fits: (earlier: Task, later: Task) => boolean,
  plant: (earlier: Task, later: Task) => string | undefined,
): string | undefined {
  const begun = history.tasks.filter(task => task.attempts.length > 0 && firstSpan(history, task));
  begun.sort((a, b) => firstSpan(history, a)!.begin - firstSpan(history, b)!.begin);
  for (const [index, later] of begun.entries()) {
    for (const earlier of begun.slice(0, index)) {
      if (!fits(earlier, later)) continue;
      const id = plant(earlier, later);
      if (id !== undefined) return id;
    }
  }
  return undefined;
}

export function submitted(history: History, task: Task): Full['submissions'][number] {
  return full(history).submissions.find(each => each.id === task.id)!;
}

export function firstSpan(history: History, task: Task): Full['bodies'][number] | undefined {
  return full(history).bodies.find(each => each.task === task.id);
}

function spanOf(history: History, task: Task): Full['bodies'][number] | undefined {
  return full(history).bodies.findLast(each => each.task === task.id);
}
