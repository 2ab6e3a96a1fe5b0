import { STAGES, type Stage } from '../core/wish.js';
import type { Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { OwnTasks } from './own-tasks.js';
import type { Pool } from './pool.js';

export interface LeavingDeps {
  pool: Pick<Pool, 'cancel' | 'stop'>;
  own: Pick<OwnTasks, 'running'>;
  /** Starts whose end does not stand in the database yet. */
  open: () => number;
  /** Whether the heartbeat is good: else the self-fence ends what runs, and the wait for it. */
  trusted: () => boolean;
  runtime: Pick<Runtime, 'clock' | 'timers'>;
  log: Log;
  /** How long running tasks may go on by themselves. */
  graceMs: number;
}

const LOOK_MS = 100;

/** The end of what runs, in stages: it may end by itself; it is asked to end, with the graces of the pool; it is killed. Each by time, or when somebody hastens it. */
export class Leaving {
  readonly #deps: LeavingDeps;
  #stage: Stage = 'warm';

  constructor(deps: LeavingDeps) {
    this.#deps = deps;
  }

  /** Goes on to this stage, never back; also before the end has begun. */
  hasten(stage: Stage): void {
    if (STAGES.indexOf(stage) > STAGES.indexOf(this.#stage)) this.#stage = stage;
  }

  /** Resolves when nothing runs any more and all ends are recorded, or the self-fence has made that void. */
  async run(): Promise<void> {
    const { pool, own, open, trusted, runtime, log, graceMs } = this.#deps;
    const untilMs = runtime.clock.monotonicMs() + graceMs;
    if (open() > 0 && this.#stage === 'warm') log.info(`Waiting up to ${graceMs / 1_000} s for ${open()} running tasks.`);
    await this.#while(() => this.#stage === 'warm' && runtime.clock.monotonicMs() < untilMs);
    if (open() > 0 && this.#stage !== 'cold') log.info(`Asking ${open()} running tasks to end.`);
    if (this.#stage !== 'cold') for (const task of own.running) pool.cancel(task.id, 'worker-shutdown');
    // Cutting off takes the graces of the pool, recording takes the database: if that is away, the self-fence ends the wait.
    await this.#while(() => this.#stage !== 'cold' && trusted());
    if (open() > 0) log.warn(`Killing what still runs (${open()} tasks).`);
    await pool.stop();
    await this.#while(trusted);
  }

  async #while(condition: () => boolean): Promise<void> {
    while (this.#deps.open() > 0 && condition()) await this.#deps.runtime.timers.sleep(LOOK_MS);
  }
}
