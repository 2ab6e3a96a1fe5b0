import type { GrantStore, LeaseStore, ProcessStore, ScheduleStore, Store } from '../../../src/store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { simulatedDocuments } from './documents.js';
import { grant, unbind } from './grants.js';
import { simulatedGroups } from './groups.js';
import { simulatedJoins } from './joins.js';
import { acquire, readLease, renew, resign } from './leases.js';
import { beat, declareMissing, earliestLapseMs, forget, getProcess, listProcesses, register, settle, stop } from './processes.js';
import { advance, createSchedule, dueSchedules, getSchedule, listSchedules } from './schedules.js';
import { simulatedTasks } from './tasks.js';

/**
 * The store of deterministic simulation, held to MongoDB's by the same contract. Every method does all its work, atomically, before it
 * returns; delays, losses and repetitions are the business of whoever carries its calls. Without chance and clock of its own.
 */
export function simulatedStore(db: SimulatedDatabase): Store {
  return {
    tasks: simulatedTasks(db),
    processes: atOnce<ProcessStore>({
      register: (process, ttlMs) => register(db, process, ttlMs),
      beat: (name, incarnation, ttlMs) => beat(db, name, incarnation, ttlMs),
      stop: (name, incarnation) => stop(db, name, incarnation),
      declareMissing: (process, condition) => declareMissing(db, process, condition),
      settle: (name, incarnation) => settle(db, name, incarnation),
      forget: (olderThanMs, limit) => forget(db, olderThanMs, limit),
      get: name => getProcess(db, name),
      list: () => listProcesses(db),
      earliestLapseMs: () => earliestLapseMs(db),
    }),
    leases: atOnce<LeaseStore>({
      acquire: (name, holder, leaseMs) => acquire(db, name, holder, leaseMs),
      renew: (lease, leaseMs) => renew(db, lease, leaseMs),
      resign: lease => resign(db, lease),
      read: name => readLease(db, name),
    }),
    grants: atOnce<GrantStore>({
      grant: (lease, requests) => grant(db, lease, requests),
      unbind: (lease, liveWorkers, move) => unbind(db, lease, liveWorkers, move),
    }),
    schedules: atOnce<ScheduleStore>({
      create: schedule => createSchedule(db, schedule),
      get: id => getSchedule(db, id),
      list: limit => listSchedules(db, limit),
      remove: id => db.schedules.delete(id),
      due: limit => dueSchedules(db, limit),
      advance: (id, from, to, last) => advance(db, { id, from, to }, last),
      now: () => db.now(),
    }),
    joins: simulatedJoins(db),
    groups: simulatedGroups(db),
    documents: simulatedDocuments(db),
    problems: () => Promise.resolve([]),
    ping: () => Promise.resolve({ version: 'simulated', pingMs: 0 }),
    close: () => Promise.resolve(),
  };
}
