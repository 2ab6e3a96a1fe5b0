import type { OnMissing, ProcessRecord } from '../core/process.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { Term } from '../process/term.js';
import type { GrantStore, ProcessStore, TaskStore } from '../store/store.js';
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
    const workers = (await this.#deps.processes.list()).filter(record => record.role === 'worker');
    this.#workers = workers.filter(worker => worker.state === 'live');
    const unsettled = workers.filter(worker => worker.state === 'missing' && !worker.settled);
    this.#unsettled = this.#policy.onMissing === 'cancelAssigned' ? unsettled.map(worker => worker.name) : [];
    this.#bound = book.boundTo();
    for (const queue of book.queuesBoundElsewhere(this.#keeping())) await this.#move(queue, term, book);
  }

  async #move(queue: string, term: Term, book: Book): Promise<void> {
    const { grants, tasks, hints, log } = this.#deps;
    const to = this.assign(queue);
    const anybody = this.#workers.some(worker => !worker.dedicated && worker.queues.includes(queue));
    if (to === undefined && !anybody) return; // let go of, they could not be bound again: they wait for the next worker that may take them
    const keeping = this.#keeping();
    const moved = await term.inTurn(() => grants.unbind(term.lease, keeping, to === undefined ? { queue } : { queue, to }));
    if (moved.length === 0) return;
    log.warn(`${moved.length} granted tasks were bound to workers that are gone; ${to ?? `any worker of ${queue}`} takes them.`);
    for (const task of await tasks.byIds(moved)) {
      book.apply(task);
      hints.ready(task);
    }
  }

  /** Workers whose bindings stand. */
  #keeping(): string[] {
    return [...this.#workers.map(worker => worker.name), ...this.#unsettled];
  }
}
