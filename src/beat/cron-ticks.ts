import { createTask, type ScheduledTask } from 'node-cron';

import type { Ticks } from './ticks.js';

const LATE_MS = 2_000;

/** node-cron's ticks, once a second. A tick that a busy process misses is no loss: the next one finds what is due. */
export class CronTicks implements Ticks {
  readonly #task: ScheduledTask;
  readonly #waiting = new Set<() => void>();

  constructor() {
    const tick = (): void => {
      for (const done of [...this.#waiting]) done();
    };
    // It would print a coloured line about each tick that a busy process missed.
    this.#task = createTask('* * * * * *', tick, { suppressMissedWarning: true });
  }

  async next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await this.#task.start();
    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(late);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      // node-cron goes by the wall clock: set back by an hour, it would be silent for an hour.
      const late = setTimeout(done, LATE_MS);
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  async stop(): Promise<void> {
    await this.#task.destroy();
    for (const done of [...this.#waiting]) done();
  }
}
