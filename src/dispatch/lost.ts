import { outcomeOfLoss, type Ending } from '../core/outcome.js';
import type { ProcessRecord } from '../core/process.js';
import { shortId } from '../core/short-id.js';
import type { Exit, Task } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { Ended, TaskStore } from '../store/store.js';
import type { Events } from './events.js';
import type { Hints } from './hints.js';

export interface LostDeps {
  tasks: Pick<TaskStore, 'finish' | 'get'>;
  hints: Hints;
  events: Pick<Events, 'changed'>;
  log: Log;
}

/**
 * Ends starts whose process is dead, each by its token, so that a start that was given back or begun anew meanwhile is left alone.
 * The caller has made sure that the incarnations are not live and, where it could, that their children are gone. `exitOf` tells, by token,
 * how a child ended, if anybody saw it.
 */
export async function endLost(
  deps: LostDeps,
  tasks: readonly Task[],
  exitOf: (token: string) => Exit | undefined = () => undefined,
): Promise<number> {
  const endings = tasks.flatMap((task): Ending[] => {
    if (!task.run) return [];
    const { token } = task.run;
    return [{ id: task.id, token, outcome: outcomeOfLoss(task, exitOf(token)) }];
  });
  if (endings.length === 0) return 0;
  const ended = await deps.tasks.finish(endings);
  for (const task of tasks) {
    if (!ended.has(task.id)) continue;
    deps.log.error(
      `Task ${shortId(task.id)} (${task.name}) lost its worker ${task.run?.worker ?? ''} during start ${task.attempt}.`,
      {
        taskId: task.id,
        correlationId: task.correlationId,
        onWorkerLoss: task.onWorkerLoss,
      },
    );
    // It is ready again where its type allows; else its resources are free.
    const now = await deps.tasks.get(task.id);
    if (now) deps.events.changed(now);
    if (now?.state === 'waiting' && now.waitingFor !== 'retry') deps.hints.ready(now);
    else {
      deps.hints.changed([task.id]);
      deps.hints.ended(task);
    }
  }
  return ended.size;
}

export interface AssignedDeps {
  tasks: Pick<TaskStore, 'cancelAssigned'>;
  hints: Hints;
  events: Pick<Events, 'look'>;
  log: Log;
}

/** The older rule: what was bound to a worker that is missing, and had not started, ends with it. May be repeated at any time. */
export async function cancelAssigned(deps: AssignedDeps, worker: Pick<ProcessRecord, 'name' | 'incarnation'>): Promise<void> {
  for (let ended = await deps.tasks.cancelAssigned(worker); ended.length > 0; ended = await deps.tasks.cancelAssigned(worker)) {
    const ids = tellOfEnds(deps, ended);
    deps.log.error(`${ids.length} tasks that were assigned to the missing worker ${worker.name} are canceled.`, { tasks: ids });
  }
}

/** Of tasks that nobody has at hand as a whole. Returns their ids. */
export function tellOfEnds(deps: Pick<AssignedDeps, 'hints' | 'events'>, ended: readonly Ended[]): string[] {
  const ids = ended.map(({ id }) => id);
  deps.hints.changed(ids);
  deps.events.look(ids);
  for (const each of ended) deps.hints.ended(each);
  return ids;
}
