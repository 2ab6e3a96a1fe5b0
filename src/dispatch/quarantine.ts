import { shortId } from '../core/short-id.js';
import type { Log } from '../process/log.js';
import { Loop } from '../process/loop.js';
import type { Runtime } from '../process/runtime.js';
import type { TaskStore } from '../store/store.js';
import type { Events } from './events.js';
import type { Hints } from './hints.js';

export interface QuarantineDeps {
  tasks: Pick<TaskStore, 'quarantine'>;
  hints: Hints;
  events: Pick<Events, 'look'>;
  runtime: Runtime;
  log: Log;
  everyMs: number;
}

/** Ends the damaged records that this process has met, wherever that was: in a claim, a sweep, or a line. */
export function quarantineLoop({ tasks, hints, events, runtime, log, everyMs }: QuarantineDeps): Loop {
  return new Loop({ name: 'quarantine', everyMs, runtime, log }, async () => {
    const ended = await tasks.quarantine();
    for (const id of ended)
      log.error(`Task ${shortId(id)} has a damaged record and ended as failed (DAMAGED_RECORD).`, { taskId: id });
    hints.changed(ended);
    events.look(ended);
    return undefined;
  });
}
