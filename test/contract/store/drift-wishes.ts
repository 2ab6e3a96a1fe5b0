import type { NewTask } from '../../../src/core/task.js';
import type { Chance } from './drift-chance.js';
import { newTask } from './support.js';

/** Dates that are written by the test are told by these; all others are server time, and differ. */
export const PAST = Date.UTC(2020, 0);
export const FUTURE = Date.UTC(2100, 0);

/** Tasks to insert: of all sorts, few resources, keys and slots, and now and then one that was given before. */
export class Wishes {
  readonly #chance: Chance;
  readonly #given: NewTask[] = [];
  #dates = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  next(): NewTask {
    if (this.#given.length > 0 && this.#chance.rarely()) return this.#chance.one(this.#given);
    const hex = (this.#chance.below(0xfffffff) + 0x10000000).toString(16);
    const plain = this.#chance.maybe();
    const exclusive = plain ? [] : this.#chance.few(['a', 'b', 'c', 'd', 'e', 'a/x', 'a/y', 'a/**']);
    const shared = plain ? [] : this.#chance.some(['b', 'f']).filter(name => !exclusive.includes(name));
    const counted = !plain && this.#chance.rarely() ? [{ name: 'g', units: 1 + this.#chance.below(2), capacity: 3 }] : undefined;
    const delayed = this.#chance.rarely();
    const limited = this.#chance.rarely();
    const wish = newTask({
      id: `${hex}-0000-7000-8000-000000000000`,
      ...{
        exclusive,
        shared,
        ...(counted && { counted }),
        priority: this.#chance.below(3),
        queue: this.#chance.one(['q', 'r']),
        tags: this.#chance.some(['x', 'y']),
      },
      onWorkerLoss: this.#chance.one(['cancel', 'requeue']),
      maxAttempts: 1 + this.#chance.below(3),
      waitingFor: delayed ? this.#chance.one(['delay', 'retry']) : plain && !limited ? 'worker' : 'resources',
      ...(limited ? { rate: { key: this.#chance.one(['k', 'l']), count: 1, perMs: 1_000 } } : {}),
      ...(delayed ? { dueAt: this.#date() } : {}),
      ...(this.#chance.rarely() ? { expiresAt: this.#date() } : {}),
      ...(this.#chance.rarely() ? { idempotency: { principal: 'p', key: `k${this.#chance.below(4)}`, bodyHash: 'h' } } : {}),
      ...(this.#chance.rarely() ? { unique: this.#unique() } : {}),
      ...(this.#chance.rarely() ? { schedule: { id: 's', slot: new Date(PAST - this.#chance.below(4)) } } : {}),
    });
    this.#given.push(wish);
    return wish;
  }

  #unique(): NonNullable<NewTask['unique']> {
    return { key: `u${this.#chance.below(3)}`, while: this.#chance.one(['waiting', 'open']), onConflict: 'return' };
  }

  /** Each one only once, so that whatever is sorted by it has one order. */
  #date(): Date {
    return new Date((this.#chance.maybe() ? PAST : FUTURE) + ++this.#dates);
  }
}
