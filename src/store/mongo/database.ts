import type { Collection, Db, MongoClient } from 'mongodb';
import type { Maintenance } from '../../core/maintenance.js';
import type { ProcessRecord } from '../../core/process.js';
import type { Schedule } from '../../core/schedule.js';
import type { TaskGroup } from '../groups.js';
import type { BucketWrite } from '../rates.js';
import type { Token } from '../tokens.js';
import type { TrailEntry } from '../trail.js';
import { LIMIT, read } from './calls.js';
import { Causality } from './causality.js';
import type { Connected } from './connect.js';
import { Damage } from './damage.js';
import { HighWater, type HighWaterDeps } from './high-water.js';
import type { TaskDocument } from './task-documents.js';

export interface CounterDocument {
  _id: 'seq';
  n: number;
  /** Server time of the last taking. */
  at?: Date;
}

export interface LeaseDocument {
  _id: string;
  holder: string;
  incarnation: string;
  /** In which the holder makes its grants: what a successor must kill if it is stuck. */
  session: unknown;
  epoch: number;
  until: Date;
  fence: number;
  floor: number;
  /** Raised by every unbinding, which must write the lease as a grant does. */
  unbindings?: number;
}

/** `endedAt` stands in records that are missing or stopped. */
export type ProcessDocument = Omit<ProcessRecord, 'name'> & { _id: string; endedAt?: Date };

/** The submit body is kept as JSON text, as all that users wrote. */
export type ScheduleDocument = Omit<Schedule, 'id' | 'task'> & { _id: string; task: string };

export interface MetaDocument {
  _id: 'deployment';
  schema: number;
  generation: number;
  seqHigh: number;
  createdAt: Date;
  /** How often `manage-db` had to make a counter or a lease anew: what counts from there is no older database. */
  renumbered?: number;
  /** Begun by `manage-db` and not ended yet. */
  upgrade?: { to: number; id: string };
  /** Where it came from, if a backup was restored. */
  restored?: { backup: string; cutAt: Date; at: Date };
}

export type MaintenanceDocument = Maintenance & { _id: 'maintenance' };

/** A bucket; `fullAt` is when it is full again, by the server's time. */
export type RateDocument = Omit<BucketWrite, 'key' | 'debtMs'> & { _id: string; fullAt: Date };

export type GroupDocument = Omit<TaskGroup, 'id'> & { _id: string };

export type TokenDocument = Omit<Token, 'id'> & { _id: string };
export type TrailDocument = Omit<TrailEntry, 'id'> & { _id: string };

/** How many units of a resource there are. */
export interface CapacityDocument {
  _id: string;
  capacity: number;
}

/** What the parts of the adapter share: the clients, the collections, and two times that were read. */
export interface Database {
  /** Everything about tasks; writes of one record are retried once by the driver, unless they are plain commands. */
  bulk: MongoClient;
  /** Heartbeats, leases and grants, on connections of their own; the driver retries nothing. */
  vital: MongoClient;
  bulkDb: Db;
  tasks: Collection<TaskDocument>;
  counters: Collection<CounterDocument>;
  schedules: Collection<ScheduleDocument>;
  meta: Collection<MetaDocument>;
  /** Another document of `meta`. */
  maintenance: Collection<MaintenanceDocument>;
  groups: Collection<GroupDocument>;
  rates: Collection<RateDocument>;
  capacities: Collection<CapacityDocument>;
  tokens: Collection<TokenDocument>;
  trail: Collection<TrailDocument>;
  processes: Collection<ProcessDocument>;
  leases: Collection<LeaseDocument>;
  /** The same tasks and buckets by the vital client, for transactions that also write a lease. */
  grantedTasks: Collection<TaskDocument>;
  grantedRates: Collection<RateDocument>;
  causality: Causality;
  /** Server time as it came with the last numbers. */
  numbersAt: { latest?: Date };
  damage: Damage;
  highWater: HighWater;
}

export function openDatabase(
  { vital, bulk, reconnects }: Connected,
  name: string,
  { log, anew }: Pick<HighWaterDeps, 'log' | 'anew'>,
): Database {
  const bulkDb = bulk.db(name);
  const vitalDb = vital.db(name);
  return {
    ...{ vital, bulk },
    bulkDb,
    tasks: bulkDb.collection('tasks'),
    counters: bulkDb.collection('counters'),
    schedules: bulkDb.collection('schedules'),
    meta: bulkDb.collection('meta'),
    maintenance: bulkDb.collection('meta'),
    groups: bulkDb.collection('task_groups'),
    rates: bulkDb.collection('rates'),
    capacities: bulkDb.collection('capacities'),
    tokens: bulkDb.collection('tokens'),
    trail: bulkDb.collection('audit'),
    processes: vitalDb.collection('processes'),
    leases: vitalDb.collection('leases'),
    grantedTasks: vitalDb.collection('tasks'),
    grantedRates: vitalDb.collection('rates'),
    causality: new Causality(),
    numbersAt: {},
    damage: new Damage(log),
    highWater: new HighWater({ db: bulkDb, anew, reconnects, log }),
  };
}

/** Server time, where no pipeline can give it. */
export async function serverNow(db: Database): Promise<Date> {
  const hello = await read('server time', () => db.bulkDb.command({ hello: 1, ...LIMIT }));
  return hello.localTime as Date;
}
