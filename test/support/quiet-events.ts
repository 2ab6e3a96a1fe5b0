import type { Events } from '../../src/dispatch/events.js';

/** For what is tested without anybody who listens; what it is told is kept, as `a completed`, and ids alone as they are. */
export function quietEvents(): { events: Pick<Events, 'changed' | 'reported' | 'look'>; told: string[] } {
  const told: string[] = [];
  const events: ReturnType<typeof quietEvents>['events'] = {
    changed: (task, change = task) => void told.push(`${task.id} ${change.state}`),
    reported: task => void told.push(`${task.id} progress`),
    look: ids => void told.push(...ids),
  };
  return { events, told };
}
