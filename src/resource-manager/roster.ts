import type { OnMissing, ProcessRecord } from '../core/process.js';
import { knownTypes, mayRun, type KnownTypes } from '../core/task-type.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { Term } from '../process/term.js';
import type { GrantStore, Move, ProcessStore, TaskStore } from '../store/store.js';
import { assign, type Assignment } from './assign.js';
import type { Book, Kind } from './book.js';

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

interface Hand extends Pick<ProcessRecord, 'name' | 'queues' | 'dedicated' | 'slots' | 'paused' | 'draining'> {
  types: KnownTypes;
}

/** The live workers, as far as grants are bound to one of them. Without eager assignment or dedicated workers it has nothing to say. */
export class Roster {
  readonly #deps: RosterDeps;
  readonly #policy: RosterPolicy;
  #workers: Hand[] = [];
  /** Missing ones whose work is not ours to move yet: a beat, or their successor, decides first what is canceled. */
  #unsettled: string[] = [];
  #bound = new Map<string, number>();

  constructor(deps: RosterDeps, policy: RosterPolicy) {
    this.#deps = deps;
    this.#policy = policy;
  }

  /** Binds a task of this kind to a worker, and counts it there. */
  assign(kind: Kind): string | undefined {
    const candidates = this.#takers(kind).map(hand => ({ ...hand, bound: this.#bound.get(hand.name) ?? 0 }));
    const worker = assign(kind.queue, candidates, this.#policy.assignment);
    if (worker !== undefined) this.#bound.set(worker, (this.#bound.get(worker) ?? 0) + 1);
    return worker;
  }

  /** Reads who is live, and gives tasks that are bound to a worker that is gone, or is not for them, to another. */
  async refresh(term: Term, book: Book): Promise<void> {
    await this.#look();
    const { counts, elsewhere, unbound } = book.bindings((worker, kind) => this.#keeping(kind).includes(worker));
    this.#bound = counts;
    for (const kind of elsewhere) await this.#moveOn(kind, term, book);
    // Granted while no worker lived. Dedicated workers take only what is bound to them; anybody else comes by himself.
    for (const kind of unbound) if (!this.#serves(kind)) await this.#bind(kind, term, book);
  }

  /** Eager, and nobody is known to live: asks again, or what is granted next to the start of the first worker would be bound to nobody. */
  async seekWorkers(): Promise<void> {
    if (this.#policy.assignment === 'eager' && this.#workers.length === 0) await this.#look();
  }

  async #look(): Promise<void> {
    const workers = (await this.#deps.processes.list({ types: true })).filter(record => record.role === 'worker');
    this.#workers = workers
      .filter(worker => worker.state === 'live')
      .map(worker => ({ ...worker, types: knownTypes(worker.types ?? []) }));
    const unsettled = workers.filter(worker => worker.state === 'missing' && !worker.settled);
    this.#unsettled = this.#policy.onMissing === 'cancelAssigned' ? unsettled.map(worker => worker.name) : [];
  }

  /** Those that take new work of this type. */
  #takers(kind: Kind): Hand[] {
    return this.#workers.filter(worker => worker.paused !== true && mayRun(worker.types, kind));
  }

  /** Whether somebody takes what is bound to nobody. */
  #serves(kind: Kind): boolean {
    return this.#takers(kind).some(worker => !worker.dedicated && worker.queues.includes(kind.queue));
  }

  async #moveOn(kind: Kind, term: Term, book: Book): Promise<void> {
    const to = this.assign(kind);
    if (to === undefined && !this.#serves(kind)) return; // they wait, bound, for the next worker that may take them
    const moved = await this.#move(to === undefined ? kind : { ...kind, to }, term, book);
    if (moved === 0) return;
    const taker = to ?? `any worker of ${kind.queue}`;
    this.#deps.log.warn(
      `${moved} granted tasks were bound to workers that are gone, drained, or lack their type; ${taker} takes them.`,
    );
  }

  async #bind(kind: Kind, term: Term, book: Book): Promise<void> {
    const to = this.assign(kind);
    if (to === undefined) return;
    const moved = await this.#move({ ...kind, to, unbound: true }, term, book);
    if (moved > 0) this.#deps.log.info(`${moved} tasks were granted while no worker could take them; ${to} takes them.`);
  }

  async #move(move: Move, term: Term, book: Book): Promise<number> {
    const { grants, tasks, hints } = this.#deps;
    const moved = await term.inTurn(() => grants.unbind(term.lease, this.#keeping(move), move));
    for (const task of moved.length > 0 ? await tasks.byIds(moved) : []) {
      book.apply(task);
      hints.ready(task);
    }
    return moved.length;
  }

  /** Workers whose bindings of this kind stand: what a paused one has not started waits for it, what a drained one has not started does not. */
  #keeping(kind: Kind): string[] {
    const staying = this.#workers.filter(worker => worker.draining !== true && mayRun(worker.types, kind));
    return [...staying.map(worker => worker.name), ...this.#unsettled];
  }
}
