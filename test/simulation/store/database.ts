import type { ProcessRecord } from '../../../src/core/process.js';
import type { Schedule } from '../../../src/core/schedule.js';
import type { Task } from '../../../src/core/task.js';
import type { Lease, TaskGroup } from '../../../src/store/store.js';
import { Table } from './table.js';
import { TaskTable, type Change } from './task-table.js';

export type { Change };

export interface LeaseRecord extends Lease {
  /** Server time. */
  until: Date;
}

/** With when it ended, which no port tells. */
export type StoredProcess = ProcessRecord & { endedAt?: Date };

/** A plugin's document: its own fields stand apart. */
export interface DocumentRecord {
  collection: string;
  id: string;
  revision: number;
  body: object;
}

interface Tables {
  tasks: TaskTable;
  processes: Table<StoredProcess>;
  leases: Table<LeaseRecord>;
  schedules: Table<Schedule>;
  /** By `collection/id`. */
  documents: Table<DocumentRecord>;
  groups: Table<TaskGroup>;
  counters: Table<number>;
}

/** All records of a deployment. What is in it is immutable; every update replaces a whole record, at once. */
export class SimulatedDatabase implements Readonly<Tables> {
  readonly tasks: TaskTable;
  readonly processes: Table<StoredProcess>;
  readonly leases: Table<LeaseRecord>;
  readonly schedules: Table<Schedule>;
  readonly documents: Table<DocumentRecord>;
  readonly groups: Table<TaskGroup>;
  readonly counters: Table<number>;
  /** Server time. */
  readonly now: () => Date;

  constructor(serverTime: () => Date, onChange: (change: Change) => void = () => undefined, tables: Partial<Tables> = {}) {
    this.now = serverTime;
    this.tasks = tables.tasks ?? new TaskTable(onChange);
    this.processes = tables.processes ?? new Table();
    this.leases = tables.leases ?? new Table();
    this.schedules = tables.schedules ?? new Table();
    this.documents = tables.documents ?? new Table();
    this.groups = tables.groups ?? new Table();
    this.counters = tables.counters ?? new Table();
  }

  /** How things are now, for reading only; server time goes on. A write throws TypeError. Costs a copied pointer a record. */
  snapshot(): SimulatedDatabase {
    return new SimulatedDatabase(this.now, () => undefined, {
      tasks: this.tasks.snapshot(),
      processes: this.processes.snapshot(),
      leases: this.leases.snapshot(),
      schedules: this.schedules.snapshot(),
      documents: this.documents.snapshot(),
      groups: this.groups.snapshot(),
      counters: this.counters.snapshot(),
    });
  }

  task(id: string): Task | undefined {
    return this.tasks.get(id);
  }

  /** In order of insertion. Not to be changed. */
  allTasks(): Task[] {
    return [...this.tasks.all()];
  }
}
