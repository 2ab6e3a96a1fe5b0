import type { Given, Restoration } from '../core/restore.js';

/** One collection as it is written to a file and read from it: BSON documents, a batch of them at a time. */
export type Batches = AsyncIterable<readonly Uint8Array[]>;

/** Everything in a database at one moment, while it is being written to. */
export interface Snapshot {
  /** Server time just before that moment: whatever was answered before it is part of this. */
  at: Date;
  /** The moment as the server numbers it. */
  moment: string;
  schema: number;
  given: Given;
  collections: readonly string[];
  /** Views and the like: what is there besides, and is not read. */
  leftOut: readonly string[];
  /** Queues that waiting tasks and workers name: where hints may stand. */
  queues(): Promise<string[]>;
  /** Names of workers that have a record. */
  workers(): Promise<string[]>;
  /**
   * In order of id. An interruption is waited for and read on behind. Throws InterlockError `CONFLICT` when the server no longer knows that moment,
   * StoreError when it does not come back.
   */
  documents(collection: string): Batches;
  close(): Promise<void>;
}

/** The mark that a restore leaves until it is through: no role starts beside it. */
export interface Unfinished {
  backup: string;
  /** While `loading`, what was there before is whole; after it, there is only the way on. */
  phase: 'loading' | 'switching';
  startedAt: Date;
  by: string;
}

/** A database that is about to be restored into. */
export interface Standing {
  /** Server time. */
  now: Date;
  /** Collections that hold something of users: none, and it counts as empty. */
  occupied: readonly string[];
  /** What can be read of the numbers given in it, else zeros. */
  given: Given;
  unfinished?: Unfinished;
}

/** What becomes of the records on their way in. */
export interface Change extends Restoration {
  backup: string;
  /** Schedules wait for the first slot after the restore, instead of making up those since the cut by their misfire policy. */
  passOver: boolean;
  /** From here on numbers are given. */
  given: Given;
  cutAt: Date;
}

export interface Loaded {
  documents: number;
  canceled: number;
  requeued: number;
}

/** Dumping and loading a whole database. No role uses it. All throw StoreError. */
export interface ArchiveStore {
  readonly database: string;
  /** Resolves at the moment that it shows. */
  snapshot(): Promise<Snapshot>;
  standing(): Promise<Standing>;
  /** Leaves the mark, in the place of the one that was found. Throws InterlockError `CONFLICT` when another restore was quicker. */
  mark(unfinished: Unfinished, found?: Unfinished): Promise<void>;
  /** Beside what is there, out of sight of everybody. Calls back as it goes. */
  load(collection: string, batches: Batches, change: Change, onBatch: (documents: number) => void): Promise<Loaded>;
  /**
   * What was loaded takes the place of what was there; then everything that this version needs is made. The mark stays. Throws InterlockError `CONFLICT`
   * when the mark is another one's.
   */
  switchOver(change: Change): Promise<void>;
  /** Throws away what was loaded, not what was there. */
  abandon(): Promise<void>;
  /** Takes the mark away. */
  unmark(): Promise<void>;
}

/** Who rehearses in a scratch database: so that the next one can tell what a killed one left. */
export interface Rehearser {
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  startTicks: number;
}

/** Databases for rehearsals, on the server of the deployment. All throw StoreError. */
export interface ScratchStore {
  /** Takes this database for a rehearsal. */
  claim(by: Rehearser): Promise<void>;
  drop(): Promise<void>;
  /** Drops what others left that are over by this judgement; resolves with the names. */
  dropLeftovers(isOver: (by: Rehearser, startedAt: Date) => boolean): Promise<string[]>;
}
