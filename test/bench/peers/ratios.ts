import type { Figures } from '../statistics.js';

/** How many times as fast as a peer Interlock was, within one run. */
export class Ratios {
  readonly #own = new Map<string, number>();

  /** `plainRatio` is that of the async pool, or of prefork where there is no other. */
  of(key: string, tasksPerSecond: number): Figures {
    if (key === 'prefork' || key === 'async') {
      this.#own.set(key, tasksPerSecond);
      return {};
    }
    const [prefork, async] = [this.#own.get('prefork'), this.#own.get('async')];
    const plain = async ?? prefork;
    return {
      ...(plain !== undefined && { plainRatio: plain / tasksPerSecond }),
      ...(prefork !== undefined && { preforkRatio: prefork / tasksPerSecond }),
    };
  }
}
