import type { CountUp } from '../core/counts.js';
import { isFinal } from '../core/state.js';
import type { JoinStore } from '../store/joins.js';

/** Tasks that one look asks for. Messages about others are counted as often as they come again, and not at all in a flood. */
const LOOKED_AT = 500;

/**
 * Counts hints for nothing: of tasks that have ended, or that are unknown, as after a deletion, from another deployment at the same vhost, or forged. What
 * becomes of them is decided already, so there is time: one question for all of them.
 */
export class StaleHints {
  readonly #joins: Pick<JoinStore, 'states'>;
  readonly #count: CountUp;
  #messages = new Map<string, number>();

  constructor(joins: Pick<JoinStore, 'states'>, count: CountUp) {
    this.#joins = joins;
    this.#count = count;
  }

  note(tasks: readonly string[]): void {
    for (const task of tasks) {
      const before = this.#messages.get(task);
      if (before !== undefined || this.#messages.size < LOOKED_AT) this.#messages.set(task, (before ?? 0) + 1);
    }
  }

  /** Never rejects: what cannot be looked up is not counted. */
  async look(): Promise<void> {
    const messages = this.#messages;
    if (messages.size === 0) return;
    this.#messages = new Map();
    const states = await this.#joins.states([...messages.keys()]).catch(() => undefined);
    if (!states) return;
    for (const [task, copies] of messages) {
      const state = states.get(task);
      if (state === undefined) this.#count('hintsUnknown', copies);
      else if (isFinal(state)) this.#count('hintsEnded', copies);
    }
  }
}
