import type { Events } from '../dispatch/events.js';
import type { Hints } from '../dispatch/hints.js';
import type { TaskStore } from '../store/store.js';

export interface DelaysDeps {
  tasks: Pick<TaskStore, 'due' | 'takeNumbers' | 'promote' | 'resume'>;
  hints: Hints;
  events: Pick<Events, 'changed'>;
}

/**
 * Delays that have ended: ready now, with the number of now, so that they overtake nobody; what has kept its resources keeps its place. Resolves with
 * how many of at most `limit` were moved. Harmless when several do it at once.
 */
export async function endDelays({ tasks, hints, events }: DelaysDeps, limit: number): Promise<number> {
  const due = await tasks.due(limit);
  const free = due.filter(({ holds }) => !holds);
  const holding = due.filter(({ holds }) => holds);
  const moved = free.length > 0 ? await tasks.promote(free, await tasks.takeNumbers(free.length)) : [];
  const resumed = holding.length > 0 ? await tasks.resume(holding) : [];
  for (const task of [...moved, ...resumed]) {
    events.changed(task);
    hints.ready(task);
  }
  return moved.length + resumed.length;
}
