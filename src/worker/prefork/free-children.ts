import type { PreforkChild } from './prefork-child.js';

/** Children that have nothing to do, and tasks that wait for one. */
export class FreeChildren {
  readonly #free: PreforkChild[] = [];
  readonly #waiting = new Set<(child: PreforkChild | undefined) => void>();

  /** The last one to be offered: its caches are the warmest. */
  takeNow(): PreforkChild | undefined {
    return this.#free.pop();
  }

  /** The one that has had nothing to do for longest. */
  takeOldest(): PreforkChild | undefined {
    return this.#free.shift();
  }

  /** One as soon as there is one; undefined when `signal` aborts, or all are ended, before that. */
  next(signal: AbortSignal): Promise<PreforkChild | undefined> {
    return new Promise(resolve => {
      const give = (found: PreforkChild | undefined): void => {
        this.#waiting.delete(give);
        signal.removeEventListener('abort', giveUp);
        resolve(found);
      };
      const giveUp = (): void => give(undefined);
      signal.addEventListener('abort', giveUp);
      this.#waiting.add(give);
    });
  }

  /** Does nothing with one that has been ended: that has been noticed, or will be. */
  offer(child: PreforkChild): void {
    if (!child.alive || child.cause !== undefined) return;
    const [next] = this.#waiting;
    if (next) next(child);
    else this.#free.push(child);
  }

  remove(child: PreforkChild): void {
    const at = this.#free.indexOf(child);
    if (at >= 0) this.#free.splice(at, 1);
  }

  /** All are being ended: whoever waits gets none. */
  clear(): void {
    this.#free.length = 0;
    for (const give of [...this.#waiting]) give(undefined);
  }
}
