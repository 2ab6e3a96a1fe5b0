import type { Maintenance } from '../../core/maintenance.js';
import type { ProcessRecord } from '../../core/process.js';
import type { Schedule } from '../../core/schedule.js';
import type { Task } from '../../core/task.js';
import type { BucketWrite, Lease, TaskGroup, Token, TrailEntry } from '../../store/store.js';
import { Table } from './table.js';
import { TaskTable, type Change } from './task-table.js';

export type { Change };

export interface LeaseRecord extends Lease {
  /** Server time. */
  until: Date;
}

export type RateRecord = Omit<BucketWrite, 'debtMs'> & { fullAt: Date };

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
  rates: Table<RateRecord>;
  /** By name of the resource. */
  capacities: Table<number>;
  tokens: Table<Token>;
  trail: Table<TrailEntry>;
  counters: Table<number>;
  /** One record, or none. */
  maintenance: Table<Maintenance>;
}

/** All records of a deployment. What is in it is immutable; every update replaces a whole record, at once. */
export class SimulatedDatabase implements Readonly<Tables> {
  readonly tasks: TaskTable;
  readonly processes: Table<StoredProcess>;
  readonly leases: Table<LeaseRecord>;
  readonly schedules: Table<Schedule>;
  readonly documents: Table<DocumentRecord>;
  readonly groups: Table<TaskGroup>;
  readonly rates: Table<RateRecord>;
  readonly capacities: Table<number>;
  readonly tokens: Table<Token>;
  readonly trail: Table<TrailEntry>;
  readonly counters: Table<number>;
  readonly maintenance: Table<Maintenance>;
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
    this.rates = tables.rates ?? new Table();
    this.capacities = tables.capacities ?? new Table();
    this.tokens = tables.tokens ?? new Table();
    this.trail = tables.trail ?? new Table();
    this.counters = tables.counters ?? new Table();
    this.maintenance = tables.maintenance ?? new Table();
  }

  /** How things are now, for reading only; server time goes on, or is that of another member. A write throws TypeError. Costs a copied pointer a record. */
  snapshot(now = this.now): SimulatedDatabase {
    return new SimulatedDatabase(now, () => undefined, {
      tasks: this.tasks.snapshot(),
      processes: this.processes.snapshot(),
      leases: this.leases.snapshot(),
      schedules: this.schedules.snapshot(),
      documents: this.documents.snapshot(),
      groups: this.groups.snapshot(),
      rates: this.rates.snapshot(),
      capacities: this.capacities.snapshot(),
      tokens: this.tokens.snapshot(),
      trail: this.trail.snapshot(),
      counters: this.counters.snapshot(),
      maintenance: this.maintenance.snapshot(),
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
