import type { Log } from '../../process/log.js';
import { ChildRun } from '../children/child-run.js';
import type { TaskDirectory } from '../children/directory.js';
import type { Job, JobEvents, RunOutcome } from '../pool.js';

/** One start on its way through the pool. */
export class AsyncRun extends ChildRun {
  readonly sinceMs: number;
  /** Tells whoever called `run`. */
  readonly resolve: (outcome: RunOutcome) => void;
  /** Made when its body first asks for it. */
  directory: Promise<TaskDirectory> | undefined;
  /** It was asked to end, and its graces are over. */
  overdue = false;
  /** Aborts with its end; there only once it was asked to end. */
  graces: AbortController | undefined;

  constructor(given: { job: Job; events: JobEvents; log: Log; sinceMs: number; resolve: (outcome: RunOutcome) => void }) {
    super(given.job, given.events, given.log);
    this.sinceMs = given.sinceMs;
    this.resolve = given.resolve;
  }
}
