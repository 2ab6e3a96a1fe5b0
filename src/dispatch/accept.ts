import { InterlockError } from '../core/errors.js';
import type { NewTask, Task } from '../core/task.js';
import type { InsertVerdict, TaskStore } from '../store/store.js';
import type { Events } from './events.js';
import type { Hints } from './hints.js';

export interface Accepted {
  task: Task;
  /** The task was there already: the same idempotency key or schedule slot. */
  replayed: boolean;
  /** Another one has the unique key, and stands for this one. */
  joined?: true;
}

export interface AcceptorDeps {
  tasks: Pick<TaskStore, 'takeNumbers' | 'insert' | 'insertAll' | 'byIdempotencyKey'>;
  hints: Hints;
  events: Pick<Events, 'changed'>;
  /** Hears of each task that was stored by this process. */
  accepted?: (task: Task) => void;
}

interface Waiting {
  task: NewTask;
  /** How often its number was closed under it. */
  tries: number;
  resolve(accepted: Accepted): void;
  reject(error: unknown): void;
}

/** One insert carries at most this many: 100 documents cost 0.15 ms each, more would only make the first wait. */
const MAX_BATCH = 100;
/** Requests that wait for their insert beyond this are refused with OVERLOADED. */
const MAX_WAITING = 5_000;
/** A number is closed under an insert only when the insert took longer than the gap time (15 s): thrice in a row is an outage. */
const MAX_TRIES = 3;

/**
 * Step 1 of the protocol: number, insert, hint. Accepted means stored by a majority; the broker is never waited for.
 * Requests that arrive while an insert is away share the next one (group commit).
 */
export class Acceptor {
  readonly #deps: AcceptorDeps;
  #waiting: Waiting[] = [];
  #pumping = false;

  constructor(deps: AcceptorDeps) {
    this.#deps = deps;
  }

  /** Throws IDEMPOTENCY_KEY_REUSED, CONFLICT (a unique key), OVERLOADED, or StoreError (`unknown`: it may be stored nevertheless). */
  accept(task: NewTask): Promise<Accepted> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(
        new InterlockError('OVERLOADED', `More than ${MAX_WAITING} submissions are waiting for the database. Try again.`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, tries: 0, resolve, reject });
      if (!this.#pumping) void this.#pump();
    });
  }

  /** All or none: a unique key that is taken refuses all of them. Throws as `accept` does, with pointers from `/tasks/<index>` on. */
  async acceptAll(tasks: NewTask[]): Promise<{ tasks: Task[]; replayed: boolean }> {
    if (tasks.length === 0) return { tasks: [], replayed: false };
    refuseTwice(tasks);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const first = await this.#deps.tasks.takeNumbers(tasks.length);
      const verdict = await this.#deps.tasks.insertAll(tasks, first);
      if (verdict.kind === 'duplicate') return { tasks: await this.#storedBatch(tasks), replayed: true };
      if (verdict.kind === 'seq-taken') continue;
      if (verdict.kind === 'occupied') throw occupied(verdict.task, placeOf(verdict.task, tasks));
      for (const task of verdict.tasks) this.#tell(task);
      return { tasks: verdict.tasks, replayed: false };
    }
    throw numbersClosed();
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        await this.#insert(batch);
      } catch (error) {
        for (const waiting of batch) waiting.reject(error); // those already answered ignore it
      }
    }
    this.#pumping = false;
  }

  async #insert(batch: Waiting[]): Promise<void> {
    // Never in advance: a number that is held back while later ones are stored would be overtaken.
    const first = await this.#deps.tasks.takeNumbers(batch.length);
    const verdicts = await this.#deps.tasks.insert(
      batch.map(waiting => waiting.task),
      first,
    );
    batch.forEach((waiting, index) => this.#settle(waiting, verdicts[index]));
  }

  #settle(waiting: Waiting, verdict: InsertVerdict | undefined): void {
    if (!verdict) throw new Error('the store gave fewer verdicts than tasks');
    switch (verdict.kind) {
      case 'stored':
        this.#tell(verdict.task);
        waiting.resolve({ task: verdict.task, replayed: false });
        return;
      case 'seq-taken':
        if (++waiting.tries < MAX_TRIES) this.#waiting.unshift(waiting);
        else waiting.reject(numbersClosed());
        return;
      case 'duplicate':
        if (sameRequest(waiting.task, verdict.task)) waiting.resolve({ task: verdict.task, replayed: true });
        else waiting.reject(keyReused(waiting.task));
        return;
      case 'occupied':
        if (waiting.task.unique?.onConflict === 'return') waiting.resolve({ task: verdict.task, replayed: false, joined: true });
        else waiting.reject(occupied(verdict.task));
    }
  }

  #tell(task: Task): void {
    this.#deps.accepted?.(task);
    this.#deps.events.changed(task); // first, so that it is told before its start
    this.#deps.hints.ready(task);
  }

  /** The tasks that an earlier request with the same keys stored, in the order of this one. */
  async #storedBatch(tasks: NewTask[]): Promise<Task[]> {
    const stored: Task[] = [];
    for (const task of tasks) {
      const key = task.idempotency;
      const found = key && (await this.#deps.tasks.byIdempotencyKey(key.principal, key.key));
      if (!found || !sameRequest(task, found)) throw keyReused(task);
      stored.push(found);
    }
    return stored;
  }
}

function sameRequest(asked: NewTask, stored: Task): boolean {
  return asked.idempotency?.bodyHash === stored.idempotency?.bodyHash;
}

function keyReused(task: NewTask): InterlockError {
  const key = task.idempotency?.key ?? '';
  return new InterlockError('IDEMPOTENCY_KEY_REUSED', `The Idempotency-Key "${key}" was used before with another body.`);
}

/** Inside one batch no record could say whose the key is. */
function refuseTwice(tasks: readonly NewTask[]): void {
  const keys = new Set<string>();
  for (const [index, { unique }] of tasks.entries()) {
    if (!unique) continue;
    if (keys.has(unique.key)) {
      const detail = `another task of this batch has the unique key "${unique.key}"`;
      const errors = [{ pointer: `/tasks/${index}/unique/key`, detail, reason: 'unique' }];
      throw new InterlockError('CONFLICT', `Not accepted: ${detail}.`, { errors });
    }
    keys.add(unique.key);
  }
}

function occupied({ id, state, unique }: Task, pointer = ''): InterlockError {
  const detail = `task ${id}, which is ${state}, has the unique key "${unique?.key ?? ''}"`;
  return new InterlockError('CONFLICT', `Not accepted: ${detail}.`, {
    errors: [{ pointer: `${pointer}/unique/key`, detail, reason: 'unique' }],
  });
}

/** Where the one stands that wants the same key. */
function placeOf({ unique }: Task, tasks: readonly NewTask[]): string {
  return `/tasks/${tasks.findIndex(task => task.unique?.key === unique?.key)}`;
}

function numbersClosed(): InterlockError {
  return new InterlockError(
    'OVERLOADED',
    'The database is too slow: the acceptance number was closed before the task was stored. Try again.',
  );
}
