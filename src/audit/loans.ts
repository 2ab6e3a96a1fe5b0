import type { Lender } from '../core/task.js';
import type { Task } from '../core/task.js';

/** A task while it held something: by which grant. */
export interface Holding {
  task: string;
  fence: number;
}

/** Longer chains than this nobody makes. */
const MAX_CHAIN = 100;

/** Who held under whose reservation, by the records. Two that hold the same together are right only if one of them has lent it to the other. */
export class AuditedLoans {
  readonly #under = new Map<string, Lender>();

  add({ id, under }: Pick<Task, 'id' | 'under'>): void {
    if (under) this.#under.set(id, under);
  }

  /** Whether one of them lent what it held by this very grant to the other one, or to a lender of that one. */
  between(a: Holding, b: Holding): boolean {
    return this.#lent(a, b) || this.#lent(b, a);
  }

  #lent(lender: Holding, borrower: Holding): boolean {
    let under = this.#under.get(borrower.task);
    for (let steps = 0; under && steps < MAX_CHAIN; steps++) {
      if (under.task === lender.task && under.fence === lender.fence) return true;
      under = this.#under.get(under.task);
    }
    return false;
  }
}
