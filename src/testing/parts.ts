import type { JsonObject } from '../core/json.js';
import type { TaskView } from '../core/task-view.js';
import type { Dependents } from '../dispatch/dependents.js';
import type { Events } from '../dispatch/events.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { Store } from '../store/store.js';
import type { LabPool } from './pool.js';
import type { SimulatedDatabase } from './store/database.js';
import type { VirtualTime } from './virtual-time.js';

/** Tasks whose records have changed: for whoever keeps the lines, and to see whether anything happens at all. */
export class Changes {
  count = 0;
  #ids = new Set<string>();

  note(id: string): void {
    this.count += 1;
    this.#ids.add(id);
  }

  take(): Set<string> {
    const ids = this.#ids;
    this.#ids = new Set();
    return ids;
  }
}

/** What the parts of a lab share. */
export interface LabParts {
  db: SimulatedDatabase;
  store: Store;
  time: VirtualTime;
  runtime: Runtime;
  pool: LabPool;
  hints: Hints;
  events: Events;
  dependents: Dependents;
  changes: Changes;
  /** What the roles would log as errors; a test shall not have to look for it. */
  problems: Error[];
  log: Log;
  worker: string;
  queues: () => string[];
  patienceMs: number;
  view: (id: string) => TaskView | undefined;
  submitSlot: (body: JsonObject, slot: { id: string; slot: Date }) => Promise<{ id: string }>;
}
