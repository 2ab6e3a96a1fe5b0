import type { Broker, Delivery } from '../broker/broker.js';
import type { CountUp } from '../core/counts.js';
import type { OnMissing } from '../core/process.js';
import type { Timing } from '../core/timing.js';
import { Hints } from '../dispatch/hints.js';
import { Leadership } from '../process/leadership.js';
import type { Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { Service } from '../process/service.js';
import type { Term } from '../process/term.js';
import type { Store } from '../store/store.js';
import type { Assignment } from './assign.js';
import type { Book } from './book.js';
import { readCapacities } from './capacities.js';
import { Granting } from './granting.js';
import { IndexCheck } from './index-check.js';
import { closeGaps, readAgain, Reading, type ReadingDeps } from './reading.js';
import { rebuild } from './rebuild.js';
import { Reconciliation } from './reconcile.js';
import { Roster } from './roster.js';

export interface ResourceManagerDeps {
  store: Pick<Store, 'tasks' | 'leases' | 'grants' | 'rates' | 'processes' | 'capacities' | 'problems'>;
  broker: Broker;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  name: string;
  incarnation: () => string | undefined;
  assignment: Assignment;
  onMissing: OnMissing;
  count?: CountUp;
}

const PREFETCH = 100;
/** Ids to read again beyond this are found by the next comparison with the database. */
const MAX_REFRESH = 10_000;
/** Granted tasks that keep others of their rate waiting until they start: so many are asked for in a pass. */
const MAX_AWAITED = 1_000;

/** Grants reservations in acceptance order (steps 2 and 3). Many may run, one leads; what it knows it can read again at any time. */
export class ResourceManager implements Service {
  readonly name = 'resource manager';
  readonly #deps: ResourceManagerDeps;
  readonly #leadership: Leadership;
  #changed = new Set<string>();
  #nap = new AbortController();

  constructor(deps: ResourceManagerDeps) {
    this.#deps = deps;
    this.#leadership = new Leadership({
      leases: deps.store.leases,
      runtime: deps.runtime,
      log: deps.log,
      timing: deps.timing,
      name: 'resource-manager',
      holder: deps.name,
      incarnation: deps.incarnation,
      lead: term => this.#lead(term),
      count: deps.count,
    });
  }

  get leading(): boolean {
    return this.#leadership.leading;
  }

  start(): Promise<void> {
    return this.#leadership.start();
  }

  stop(): Promise<void> {
    return this.#leadership.stop();
  }

  async #lead(term: Term): Promise<void> {
    const { broker, log } = this.#deps;
    // Only the leader consumes, or spares would eat its hints. Acknowledged at once: a hint is used up by waking us.
    const hints = broker.consume({ to: 'resource-manager' }, PREFETCH, delivery => this.#note(delivery));
    const wake = (): void => this.#nap.abort();
    term.signal.addEventListener('abort', wake);
    try {
      await this.#serve(term);
    } finally {
      term.signal.removeEventListener('abort', wake);
      await hints.close().catch((error: unknown) => log.warn('The consumer did not close.', { err: error }));
    }
  }

  /** One loop: read, apply, grant. Never a read in flight with a grant, or the graph could go back in time. */
  async #serve(term: Term): Promise<void> {
    const { store, runtime, log, timing } = this.#deps;
    const { book, numbering } = await rebuild({ tasks: store.tasks, leases: store.leases, clock: runtime.clock, log }, term);
    const hints = new Hints(this.#deps.broker, runtime.clock);
    const roster = new Roster({ processes: store.processes, grants: store.grants, hints, tasks: store.tasks, log }, this.#deps);
    const lines: ReadingDeps = { ...timing, tasks: store.tasks, book, numbering, clock: runtime.clock, log };
    const reading = new Reading(lines);
    const granting = new Granting({
      ...{ grants: store.grants, rates: store.rates, hints, book, term, log },
      assign: kind => roster.assign(kind),
      count: this.#deps.count,
    });
    const withinMs = 2 * timing.reconcileMs;
    const reconciliation = new Reconciliation({ tasks: store.tasks, book, numbering, log, withinMs, epoch: term.lease.epoch });
    const capacities = { capacities: store.capacities, book };
    const indexes = new IndexCheck({ store, clock: runtime.clock, log });
    await roster.refresh(term, book);
    let comparedAtMs = runtime.clock.monotonicMs();
    while (term.trusted) {
      this.#nap = new AbortController(); // before reading, so that a hint during the pass is not lost
      const { newOnes, more } = await reading.runOnce(this.#takeChanged(reading.newOnesInMs === 0 ? book : undefined));
      await readCapacities(capacities, false);
      const mayGrant = await indexes.mayGrant();
      if (mayGrant) await roster.seekWorkers();
      const again = mayGrant ? await granting.runOnce() : [];
      await readAgain(lines, again);
      if (mayGrant && newOnes) await closeGaps(lines); // a void holds its number only by the unique index
      term.lease.floor = numbering.floor;
      if (runtime.clock.monotonicMs() - comparedAtMs >= timing.reconcileMs) {
        comparedAtMs = runtime.clock.monotonicMs();
        if (!(await reconciliation.runOnce())) return;
        await readCapacities(capacities, true);
        await roster.refresh(term, book);
      }
      // A single one that does not match waits for the next pass, or it would spin.
      if (more || again.length > 1) continue;
      const tokenInMs = mayGrant && again.length === 0 ? book.rates.dueInMs : Infinity;
      await runtime.timers.sleep(Math.min(reading.newOnesInMs, tokenInMs), this.#nap.signal);
    }
  }

  #note(delivery: Delivery): void {
    delivery.ack();
    if (delivery.hint.kind === 'changed') {
      for (const id of delivery.hint.tasks) if (this.#changed.size < MAX_REFRESH) this.#changed.add(id);
    }
    this.#nap.abort();
  }

  /** With a book: also those whose start nobody has told of. */
  #takeChanged(book?: Book): Set<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const id of book?.rates.awaited(MAX_AWAITED) ?? []) changed.add(id);
    return changed;
  }
}
