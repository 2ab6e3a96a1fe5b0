import type { Broker } from '../broker/broker.js';
import { InterlockError, MissingResource } from '../core/errors.js';
import type { Task } from '../core/task.js';
import type { TaskStore } from '../store/store.js';
import type { Hints } from './hints.js';

export interface CancelDeps {
  tasks: Pick<TaskStore, 'cancel'>;
  hints: Hints;
  broker: Pick<Broker, 'broadcast'>;
}

/**
 * Cancels this one task, never what it spawned. The flag in the record is the truth; the messages only make it quick
 * (a worker also finds the flag with its next heartbeat). Throws MissingResource, TASK_FINAL, StoreError.
 */
export async function cancelTask(deps: CancelDeps, id: string, by: string): Promise<Task> {
  const verdict = await deps.tasks.cancel(id, by, 'user');
  switch (verdict.kind) {
    case 'missing':
      throw new MissingResource(`Task ${id}`);
    case 'final':
      throw new InterlockError('TASK_FINAL', `Task ${id} has ended already: it is ${verdict.task.state}.`);
    case 'canceled':
      deps.hints.changed([id]);
      return verdict.task;
    case 'canceling':
      deps.broker.broadcast({ kind: 'cancel', task: id });
      return verdict.task;
  }
}
