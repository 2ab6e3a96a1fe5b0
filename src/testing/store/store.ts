import type { GrantStore, LeaseStore, ProcessStore, ScheduleStore, Store } from '../../store/store.js';
import { atOnce } from './at-once.js';
import { simulatedCapacities } from './capacities.js';
import type { SimulatedDatabase } from './database.js';
import { simulatedDocuments } from './documents.js';
import { grant, unbind } from './grants.js';
import { simulatedGroups } from './groups.js';
import { simulatedResources } from './resources.js';
import { simulatedRetention } from './retention.js';
import { simulatedJoins } from './joins.js';
import { acquire, readLease, renew, resign } from './leases.js';
import {
  beat,
  declareMissing,
  earliestLapseMs,
  forget,
  getProcess,
  listProcesses,
  register,
  settle,
  stop,
  wish,
} from './processes.js';
import { simulatedMaintenance } from './maintenance.js';
import { simulatedRates } from './rates.js';
import { createSchedule, dueSchedules, getSchedule, listSchedules, removeSchedule, replaceSchedule } from './schedules.js';
import { simulatedTasks } from './tasks.js';
import { simulatedTokens } from './tokens.js';
import { simulatedTrail } from './trail.js';
import { simulatedWaits } from './waits.js';

/**
 * A store in memory, for a lab and for deterministic simulation, held to MongoDB's by the same contract. Every method does all its work, atomically, before it
 * returns; delays, losses and repetitions are the business of whoever carries its calls. Without chance and clock of its own.
 * `reserved`: what a plugin may not name a collection.
 */
export function simulatedStore(db: SimulatedDatabase, reserved: ReadonlySet<string> = new Set()): Store {
  return {
    tasks: simulatedTasks(db),
    processes: atOnce<ProcessStore>({
      register: (process, ttlMs) => register(db, process, ttlMs),
      beat: (name, incarnation, { ttlMs }, told) => beat(db, { name, incarnation }, ttlMs, told),
      wish: (process, next) => wish(db, process, next),
      stop: (name, incarnation) => stop(db, name, incarnation),
      declareMissing: (process, condition) => declareMissing(db, process, condition),
      settle: (name, incarnation) => settle(db, name, incarnation),
      forget: (olderThanMs, limit) => forget(db, olderThanMs, limit),
      get: name => getProcess(db, name),
      list: more => listProcesses(db, more),
      earliestLapseMs: () => earliestLapseMs(db),
    }),
    leases: atOnce<LeaseStore>({
      acquire: (name, holder, leaseMs) => acquire(db, name, holder, leaseMs),
      renew: (lease, leaseMs) => renew(db, lease, leaseMs),
      resign: lease => resign(db, lease),
      read: name => readLease(db, name),
    }),
    grants: atOnce<GrantStore>({
      grant: (lease, requests, buckets) => grant(db, lease, requests, buckets),
      unbind: (lease, liveWorkers, move) => unbind(db, lease, liveWorkers, move),
    }),
    schedules: atOnce<ScheduleStore>({
      create: schedule => createSchedule(db, schedule),
      get: id => getSchedule(db, id),
      list: (limit, afterId) => listSchedules(db, limit, afterId),
      remove: (id, version) => removeSchedule(db, id, version),
      due: limit => dueSchedules(db, limit),
      replace: schedule => replaceSchedule(db, schedule),
      now: () => db.now(),
    }),
    rates: simulatedRates(db),
    joins: simulatedJoins(db),
    groups: simulatedGroups(db),
    retention: simulatedRetention(db),
    resources: simulatedResources(db),
    tokens: simulatedTokens(db),
    trail: simulatedTrail(db),
    waits: simulatedWaits(db),
    capacities: simulatedCapacities(db),
    documents: simulatedDocuments(db, reserved),
    maintenance: simulatedMaintenance(db),
    problems: () => Promise.resolve([]),
    ping: () => Promise.resolve({ version: 'simulated', pingMs: 0 }),
    close: () => Promise.resolve(),
  };
}
