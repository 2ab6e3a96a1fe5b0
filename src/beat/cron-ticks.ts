import { createTask, type ScheduledTask } from 'node-cron';

import type { Ticks } from './ticks.js';

/** node-cron's ticks, once a second. A tick that a busy process misses is no loss: the next one finds what is due. */
export class CronTicks implements Ticks {
  readonly #task: ScheduledTask;
  #waiting: (() => void)[] = [];

  constructor() {
    const tick = (): void => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    // It would print a coloured line about each tick that a busy process missed.
    this.#task = createTask('* * * * * *', tick, { suppressMissedWarning: true });
  }

  async next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await this.#task.start();
    await new Promise<void>(resolve => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.push(done);
      signal.addEventListener('abort', done);
    });
  }

  async stop(): Promise<void> {
    await this.#task.destroy();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
