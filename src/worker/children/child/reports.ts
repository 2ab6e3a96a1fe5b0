import { Progress } from '../../../tasks/progress.js';
import type { FromChild } from '../from-child.js';

/** Four a second. */
const EVERY_MS = 250;

export type Report = Omit<Extract<FromChild, { kind: 'report' }>, 'run'>;

/** The progress of one run, sent at once when it is the first for a while, and then as it stands every 250 ms. */
export class Reports {
  readonly progress = new Progress(() => this.#changed());
  readonly #send: (report: Report) => void;
  #timer: NodeJS.Timeout | undefined;
  #dirty = false;

  constructor(send: (report: Report) => void) {
    this.#send = send;
  }

  /** Sends what is unsent; whatever is reported after this is dropped. */
  close(): void {
    this.progress.close();
    clearTimeout(this.#timer);
    if (this.#dirty) this.#flush();
  }

  #changed(): void {
    this.#dirty = true;
    if (this.#timer) return;
    this.#flush();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#dirty) this.#changed();
    }, EVERY_MS);
    this.#timer.unref();
  }

  #flush(): void {
    this.#dirty = false;
    const progress = this.progress.bars as Report['progress'];
    this.#send({ kind: 'report', progress, created: this.progress.created });
  }
}
