import { shortId } from '../core/short-id.js';
import { needsResources } from '../core/task.js';
import type { Events } from '../dispatch/events.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { TaskStore } from '../store/store.js';
import type { OwnTasks } from './own-tasks.js';

export interface HeartbeatCheckDeps {
  tasks: Pick<TaskStore, 'namedBy' | 'giveBack'>;
  own: OwnTasks;
  hints: Pick<Hints, 'start' | 'changed'>;
  events: Pick<Events, 'look'>;
  /** Ends what runs here, or waits here for a slot. */
  cancel: (id: string) => void;
  log: Log;
}

/**
 * After each good heartbeat: what does the database think that we run? Tasks that were cancelled are stopped here (the broadcast only
 * made it quicker), and a start that we know nothing of, because its write landed after we had given it up, goes back by its token.
 */
export async function checkNamedTasks(deps: HeartbeatCheckDeps, incarnation: string): Promise<void> {
  const { tasks, own, hints, events, cancel, log } = deps;
  const whenSent = own.snapshot();
  const named = await tasks.namedBy(incarnation);
  for (const task of named) {
    const token = task.run?.token ?? '';
    if (own.has(task.id, token)) {
      if (task.state === 'canceling') cancel(task.id);
    } else if (!whenSent.has(task.id, token)) {
      if (!(await tasks.giveBack(task.id, token))) continue;
      log.warn(`Task ${shortId(task.id)} (${task.name}) was started in the database but not here; given back.`, {
        taskId: task.id,
      });
      events.look([task.id]);
      hints.start(task);
      if (needsResources(task)) hints.changed([task.id]); // a cancelled one has ended by this
    }
  }
}
