import type { TaskView } from '../client/client.js';

/** `waiting (resources)`, or the state alone. */
export function stateOf(task: Pick<TaskView, 'state' | 'waitingFor' | 'reason'>): string {
  const detail = task.state === 'waiting' ? task.waitingFor : task.reason;
  return detail === null ? task.state : `${task.state} (${detail})`;
}
