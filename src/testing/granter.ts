import { Term } from '../process/term.js';
import { Book } from '../resource-manager/book.js';
import { Granting } from '../resource-manager/granting.js';
import { readCapacities } from '../resource-manager/capacities.js';
import type { LabParts } from './parts.js';

const HOLDER = { name: 'lab', incarnation: 'lab' };
/** Nobody else wants to lead: a lease for longer than any test. */
const LEASE_MS = 100 * 365 * 86_400_000;

/** The resource manager of a lab: the same book of lines, and the same grants. */
export class Granter {
  readonly #parts: LabParts;
  readonly #book: Book;
  #granting: Promise<Granting> | undefined;

  constructor(parts: LabParts) {
    this.#parts = parts;
    this.#book = new Book(parts.log, parts.runtime.clock);
  }

  /** Enters what has changed, and grants what is free. */
  async runOnce(): Promise<void> {
    const { changes, db, store } = this.#parts;
    this.#granting ??= this.#lead();
    const granting = await this.#granting;
    for (const id of changes.take()) {
      const task = db.task(id);
      if (task) this.#book.apply(task);
      else this.#book.drop(id, 'gone');
    }
    await readCapacities({ capacities: store.capacities, book: this.#book }, false);
    await granting.runOnce();
  }

  /** Milliseconds until the next turn under a rate limit; Infinity: nobody waits for one. */
  get turnInMs(): number {
    return this.#book.rates.dueInMs;
  }

  async #lead(): Promise<Granting> {
    const { store, hints, runtime, log } = this.#parts;
    const lease = await store.leases.acquire('resource-manager', HOLDER, LEASE_MS);
    if (!lease) throw new Error('somebody else leads in a lab');
    const term = new Term(lease, { clock: runtime.clock, trustMs: Infinity }, 0);
    return new Granting({
      grants: store.grants,
      rates: store.rates,
      hints,
      book: this.#book,
      term,
      log,
      assign: () => undefined,
    });
  }
}
