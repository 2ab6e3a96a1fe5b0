import type { OnMissing, ProcessRecord } from '../core/process.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { Term } from '../process/term.js';
import type { GrantStore, Move, ProcessStore, TaskStore } from '../store/store.js';
import { assign, type Assignment } from './assign.js';
import type { Book } from './book.js';

export interface RosterDeps {
  processes: Pick<ProcessStore, 'list'>;
  grants: Pick<GrantStore, 'unbind'>;
  tasks: Pick<TaskStore, 'byIds'>;
  hints: Hints;
  log: Log;
}

export interface RosterPolicy {
  assignment: Assignment;
  onMissing: OnMissing;
}

/** The live workers, as far as grants are bound to one of them. Without eager assignment or dedicated workers it has nothing to say. */
export class Roster {
  readonly #deps: RosterDeps;
  readonly #policy: RosterPolicy;
  #workers: ProcessRecord[] = [];
  /** Missing ones whose work is not ours to move yet: a beat, or their successor, decides first what is canceled. */
  #unsettled: string[] = [];
  #bound = new Map<string, number>();

  constructor(deps: RosterDeps, policy: RosterPolicy) {
    this.#deps = deps;
    this.#policy = policy;
  }

  /** Binds a task of this queue to a worker, and counts it there. */
  assign(queue: string): string | undefined {
    const candidates = this.#workers.map(({ name, queues, dedicated, slots }) => ({
      name,
      queues,
      dedicated,
      slots,
      bound: this.#bound.get(name) ?? 0,
    }));
    const worker = assign(queue, candidates, this.#policy.assignment);
    if (worker !== undefined) this.#bound.set(worker, (this.#bound.get(worker) ?? 0) + 1);
    return worker;
  }

  /** Reads who is live, and gives tasks that are bound to a worker that is gone to another. */
  async refresh(term: Term, book: Book): Promise<void> {
    await this.#look();
    const { counts, elsewhere, unbound } = book.bindings(this.#keeping());
    this.#bound = counts;
    for (const queue of elsewhere) await this.#moveOn(queue, term, book);
    // Granted while no worker lived. Dedicated workers take only what is bound to them; anybody else comes by himself.
    for (const queue of unbound) if (!this.#serves(queue)) await this.#bind(queue, term, book);
  }

  /** Eager, and nobody is known to live: asks again, or what is granted next to the start of the first worker would be bound to nobody. */
  async seekWorkers(): Promise<void> {
    if (this.#policy.assignment === 'eager' && this.#workers.length === 0) await this.#look();
  }

  async #look(): Promise<void> {
    const workers = (await this.#deps.processes.list()).filter(record => record.role === 'worker');
    this.#workers = workers.filter(worker => worker.state === 'live');
    const unsettled = workers.filter(worker => worker.state === 'missing' && !worker.settled);
    this.#unsettled = this.#policy.onMissing === 'cancelAssigned' ? unsettled.map(worker => worker.name) : [];
  }

  /** Whether somebody takes what is bound to nobody. */
  #serves(queue: string): boolean {
    return this.#workers.some(worker => !worker.dedicated && worker.queues.includes(queue));
  }

  async #moveOn(queue: string, term: Term, book: Book): Promise<void> {
    const to = this.assign(queue);
    if (to === undefined && !this.#serves(queue)) return; // they wait, bound, for the next worker that may take them
    const moved = await this.#move(to === undefined ? { queue } : { queue, to }, term, book);
    if (moved === 0) return;
    const taker = to ?? `any worker of ${queue}`;
    this.#deps.log.warn(`${moved} granted tasks were bound to workers that are gone; ${taker} takes them.`);
  }

  async #bind(queue: string, term: Term, book: Book): Promise<void> {
    const to = this.assign(queue);
    if (to === undefined) return;
    const moved = await this.#move({ queue, to, unbound: true }, term, book);
    if (moved > 0) this.#deps.log.info(`${moved} tasks were granted while no worker could take them; ${to} takes them.`);
  }

  async #move(move: Move, term: Term, book: Book): Promise<number> {
    const { grants, tasks, hints } = this.#deps;
    const moved = await term.inTurn(() => grants.unbind(term.lease, this.#keeping(), move));
    for (const task of moved.length > 0 ? await tasks.byIds(moved) : []) {
      book.apply(task);
      hints.ready(task);
    }
    return moved.length;
  }

  /** Workers whose bindings stand. */
  #keeping(): string[] {
    return [...this.#workers.map(worker => worker.name), ...this.#unsettled];
  }
}
