import type { Log } from './log.js';
import type { Runtime } from './runtime.js';
import { jittered } from './runtime.js';
import type { Service } from './service.js';

export interface LoopOptions {
  name: string;
  everyMs: number;
  runtime: Runtime;
  log: Log;
}

/**
 * Runs something again and again until it is stopped. A round that throws is logged and the next one comes all the same:
 * no error ends a loop. A round may answer with the milliseconds until the next one; `wake` makes it come at once.
 */
export class Loop implements Service {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #round: (signal: AbortSignal) => Promise<number | undefined>;
  readonly #stopping = new AbortController();
  #nap = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: LoopOptions, round: (signal: AbortSignal) => Promise<number | undefined>) {
    this.name = options.name;
    this.#options = options;
    this.#round = round;
  }

  start(): Promise<void> {
    this.#running ??= this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#nap.abort();
    await this.#running;
  }

  wake(): void {
    this.#nap.abort();
  }

  async #run(): Promise<void> {
    const { everyMs, runtime, log } = this.#options;
    while (!this.#stopping.signal.aborted) {
      this.#nap = new AbortController(); // before the round, so that a wake during it is not lost
      let waitMs: number | undefined;
      try {
        waitMs = await this.#round(this.#stopping.signal);
      } catch (error) {
        log.error(`${this.name}: this round failed, the next one follows.`, { err: error });
        // Not in step with whoever failed on the same fault, and whatever wakes us: work that fails at once would spin.
        await runtime.timers.sleep(jittered(Math.min(everyMs, 1_000), runtime.random), this.#stopping.signal);
        waitMs = 0;
      }
      await runtime.timers.sleep(waitMs ?? everyMs, this.#nap.signal);
    }
  }
}
