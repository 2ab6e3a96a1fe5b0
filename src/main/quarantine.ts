import { Events } from '../dispatch/events.js';
import { Hints } from '../dispatch/hints.js';
import { quarantineLoop } from '../dispatch/quarantine.js';
import type { Service } from '../process/service.js';
import type { Parts } from './compose.js';

/** In every role that acts on tasks: each deals with the damaged records that it meets. */
export function quarantineOf({ store, broker, runtime, logger, config }: Parts): Service {
  return quarantineLoop({
    tasks: store.tasks,
    hints: new Hints(broker, runtime.clock),
    events: new Events({ broker, tasks: store.tasks, clock: runtime.clock, log: logger }),
    runtime,
    log: logger,
    everyMs: config.timing.sweepMs,
  });
}
