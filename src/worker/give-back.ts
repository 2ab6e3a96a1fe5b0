import { shortId } from '../core/short-id.js';
import { needsResources, type Task } from '../core/task.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { TaskStore } from '../store/store.js';
import type { OwnTasks } from './own-tasks.js';

export interface GiveBackDeps {
  tasks: Pick<TaskStore, 'giveBack'>;
  own: OwnTasks;
  hints: Pick<Hints, 'start' | 'changed'>;
  log: Log;
}

/** A start that nobody begins here: as if it had never been. Where the answer is unclear, the next heartbeat finds it to be not ours, and gives it back. */
export async function giveBack(
  { task, token }: { task: Task; token: string },
  { tasks, own, hints, log }: GiveBackDeps,
): Promise<void> {
  try {
    if (!(await tasks.giveBack(task.id, token))) return;
    hints.start(task);
    if (needsResources(task)) hints.changed([task.id]); // a cancelled one has ended by this
  } catch (error) {
    log.warn(`Task ${shortId(task.id)} (${task.name}) is not given back yet; a heartbeat will.`, { err: error });
  } finally {
    own.forget(task.id, token);
  }
}
