import { isFinal } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import { Table } from './table.js';

/** Told after every write of a task. `before` undefined: it was inserted; `after` undefined: it was deleted. */
export interface Change {
  collection: 'tasks';
  id: string;
  before: Task | undefined;
  after: Task | undefined;
}

/** What stands under a number. */
export type Numbered = Task | 'void';

interface Indexes {
  byId: Table<Task>;
  /** Open tasks: most questions are about these, and a long run leaves many that are final. */
  open: Table<Task>;
  byNumber: Table<Numbered, number>;
  /** Ids by what only one task may have: an idempotency key, a slot of a schedule. */
  byClaim: Table<string>;
  /** Ids by unique key, as long as that keeps others away. */
  byUnique: Table<string>;
}

/** Tasks and voids, with the unique indexes of the real database. */
export class TaskTable {
  readonly #indexes: Indexes;
  readonly #onChange: (change: Change) => void;
  #highest: number;

  constructor(onChange: (change: Change) => void, indexes?: Indexes, highest = 0) {
    this.#onChange = onChange;
    this.#indexes = indexes ?? {
      byId: new Table(),
      open: new Table(),
      byNumber: new Table(),
      byClaim: new Table(),
      byUnique: new Table(),
    };
    this.#highest = highest;
  }

  get(id: string): Task | undefined {
    return this.#indexes.byId.get(id);
  }

  /** In order of insertion. */
  all(): IterableIterator<Task> {
    return this.#indexes.byId.values();
  }

  /** Those that are not final, in order of insertion. */
  open(): IterableIterator<Task> {
    return this.#indexes.open.values();
  }

  at(seq: number): Numbered | undefined {
    return this.#indexes.byNumber.get(seq);
  }

  /** Numbers above `seq` that a task or a void has, in order. They are dense, so that counting finds them. */
  *numbersAbove(seq: number): Generator<number> {
    for (let n = Math.max(seq, 0) + 1; n <= this.#highest; n++) if (this.at(n) !== undefined) yield n;
  }

  /** The task that has this task's idempotency key or slot, be it this one. */
  sharing(task: Pick<Task, 'idempotency' | 'schedule'>): Task | undefined {
    for (const claim of claimsOf(task)) {
      const id = this.#indexes.byClaim.get(claim);
      if (id !== undefined) return this.get(id);
    }
    return undefined;
  }

  /** The task that has this unique key. */
  having(key: string): Task | undefined {
    const id = this.#indexes.byUnique.get(key);
    return id === undefined ? undefined : this.get(id);
  }

  /** Inserts or replaces it; its id, key and slot never change, its number may. The caller has seen that the number is free. */
  put(task: Task): void {
    const before = this.get(task.id);
    const { byId, open, byNumber, byClaim } = this.#indexes;
    byId.put(task.id, task);
    if (isFinal(task.state)) open.delete(task.id);
    else open.put(task.id, task);
    if (before && before.seq !== task.seq) byNumber.delete(before.seq);
    this.#number(task.seq, task);
    if (!before) for (const claim of claimsOf(task)) byClaim.put(claim, task.id);
    if (task.unique) this.#keepUnique(task, task.unique, before);
    this.#onChange({ collection: 'tasks', id: task.id, before, after: task });
  }

  #keepUnique(task: Task, { key, while: during }: NonNullable<Task['unique']>, before: Task | undefined): void {
    const { byUnique } = this.#indexes;
    if (!before) return byUnique.put(key, task.id);
    const over = isFinal(task.state) || (during === 'waiting' && task.state !== 'waiting');
    if (over && byUnique.get(key) === task.id) byUnique.delete(key);
  }

  delete(task: Task): void {
    const { byId, open, byNumber, byClaim } = this.#indexes;
    byId.delete(task.id);
    open.delete(task.id);
    byNumber.delete(task.seq);
    for (const claim of claimsOf(task)) byClaim.delete(claim);
    this.#onChange({ collection: 'tasks', id: task.id, before: task, after: undefined });
  }

  /** Closes a number, unless something stands under it. */
  close(seq: number): void {
    if (this.at(seq) === undefined) this.#number(seq, 'void');
  }

  snapshot(): TaskTable {
    const { byId, open, byNumber, byClaim, byUnique } = this.#indexes;
    const copy = {
      ...{ byId: byId.snapshot(), open: open.snapshot(), byNumber: byNumber.snapshot() },
      ...{ byClaim: byClaim.snapshot(), byUnique: byUnique.snapshot() },
    };
    return new TaskTable(() => undefined, copy, this.#highest);
  }

  #number(seq: number, what: Numbered): void {
    this.#indexes.byNumber.put(seq, what);
    this.#highest = Math.max(this.#highest, seq);
  }
}

function claimsOf({ idempotency, schedule }: Pick<Task, 'idempotency' | 'schedule'>): string[] {
  if (!idempotency && !schedule) return NOTHING;
  return [
    ...(idempotency ? [JSON.stringify(['key', idempotency.principal, idempotency.key])] : []),
    ...(schedule ? [JSON.stringify(['slot', schedule.id, schedule.slot.getTime()])] : []),
  ];
}

const NOTHING: string[] = [];
