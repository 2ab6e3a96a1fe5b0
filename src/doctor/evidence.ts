import type { BrokerDiagnosis } from '../broker/diagnosis.js';
import type { LiveWorker } from '../core/explain.js';
import type { ProcessRecord } from '../core/process.js';
import type { Schedule } from '../core/schedule.js';
import type { DatabaseDiagnosis } from '../store/diagnosis.js';
import type { LeaseName, LineTask } from '../store/store.js';

/** All that the checks see. What could not be looked at is absent, and the checks that need it say so. */
export interface Evidence {
  /** Of the version that looks. */
  version: string;
  /** What is wrong with the settings; nothing else is looked at then. */
  configuration: readonly { key: string; source: string; detail: string }[];
  machine?: MachineEvidence;
  database?: DatabaseDiagnosis;
  broker?: BrokerDiagnosis;
  records?: RecordsEvidence;
  /** Why there are none, though the database answers and could be used. */
  recordsTrouble?: string;
}

/** Of the machine on which the doctor runs. */
export interface MachineEvidence {
  now: Date;
  /** Where the API of this machine listens, if other machines reach that. */
  publicHost?: string;
  /** Whether it speaks TLS there, or something in front of it does. */
  encrypted?: boolean;
  folders: readonly SeenFolder[];
  certificates: readonly SeenCertificate[];
  /** Directories of workers with children that still run. */
  children: readonly { worker: string; pids: readonly number[] }[];
}

export interface SeenFolder {
  key: string;
  path: string;
  /** Why this user may not write to it. */
  refused?: string;
  freeBytes?: number;
  totalBytes?: number;
}

export interface SeenCertificate {
  key: string;
  path: string;
  /** Of each certificate in the file, with when it ends. */
  subjects: readonly { subject: string; validTo: Date }[];
  /** The file holds none, or its key is that of another one. */
  problem?: string;
}

/** What the records say, at one moment of server time. */
export interface RecordsEvidence {
  now: Date;
  processes: readonly SeenProcess[];
  leases: Readonly<Record<LeaseName, { holder: string; live: boolean } | undefined>>;
  workers: readonly LiveWorker[];
  /** A task that is ready starts within this many milliseconds if a worker is free, also when its hint was lost. */
  patienceMs: number;
  sweepMs: number;
  /** Ready for a worker for longer than that, oldest first; at most 2,000. */
  ready: readonly LineTask[];
  /** Of these, and of those that wait for resources: looked at twice, with nothing in their way either time. */
  stalled: readonly { task: LineTask; why: string }[];
  /** Waiting for resources for longer than `blockedAfterMs`, the first of them, with the explanation of each. */
  blocked: readonly { id: string; name: string; text: string }[];
  blockedAfterMs: number;
  /** Run by nobody who lives, for longer than a sweep takes. */
  abandoned: readonly { id: string; name: string; worker: string; since: Date }[];
  schedules: readonly Schedule[];
  /** Ended so long ago that they should have been forgotten. */
  unpurged: readonly { id: string; state: string; finishedAt: Date; keptSeconds: number }[];
}

export interface SeenProcess extends ProcessRecord {
  /** Its lease is good. */
  online: boolean;
  leading: boolean;
  freeSlots: number;
  /** It ran on this machine, and its pid is gone. */
  gone: boolean;
}
