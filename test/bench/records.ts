import { setTimeout as sleep } from 'node:timers/promises';

import type { Collection, Db } from 'mongodb';

/** What the record of a measured task says; times in milliseconds by the server's clock. */
export interface Measured {
  seq: number;
  acceptedAt: number;
  startedAt: number;
  finishedAt: number;
  resources: string[];
  result: unknown;
}

interface TaskRecord {
  _id: string;
  seq: number;
  state?: string;
  exclusive: string[];
  result?: string;
  createdAt: Date;
  startedAt?: Date;
  finishedAt?: Date;
}

const OPEN = ['waiting', 'running', 'canceling'];
/** Without any end for this long the bench gives up. */
const STUCK_MS = 120_000;

/** Watches the tasks of a deployment in its database, by reads that cost next to nothing: they run while others are measured. */
export class Records {
  readonly #db: Db;
  readonly #tasks: Collection<TaskRecord>;

  constructor(db: Db) {
    this.#db = db;
    this.#tasks = db.collection('tasks');
  }

  /** The last acceptance number that was taken: what comes later is what is measured. */
  async lastNumber(): Promise<number> {
    const counter = await this.#db.collection<{ _id: string; n: number }>('counters').findOne({ _id: 'seq' });
    return counter?.n ?? 0;
  }

  /** Until the first task above this number has started. */
  async begun(above: number): Promise<void> {
    const end = performance.now() + STUCK_MS;
    while ((await this.#first(above))?.startedAt === undefined) {
      if (performance.now() > end) throw new Error(`No measured task has started for ${STUCK_MS / 1_000} s.`);
      await sleep(20);
    }
  }

  /** Until the task with this number, if there is one, has ended. */
  async ended(seq: number): Promise<void> {
    const open = { seq, state: { $in: OPEN } };
    const end = performance.now() + STUCK_MS;
    while ((await this.#tasks.findOne(open, { projection: { _id: 1 } })) !== null) {
      if (performance.now() > end) throw new Error(`Task number ${seq} is open for ${STUCK_MS / 1_000} s.`);
      await sleep(100);
    }
  }

  /** Until no task is open. Throws when nothing has ended for two minutes. */
  async idle(everyMs = 100): Promise<void> {
    let ended = -1;
    let stuckAt = performance.now() + STUCK_MS;
    while ((await this.#tasks.findOne({ state: { $in: OPEN } }, { hint: 'state', projection: { _id: 1 } })) !== null) {
      if (performance.now() > stuckAt) {
        const before = ended;
        ended = await this.#tasks.countDocuments({ state: 'completed' });
        if (ended === before) throw new Error(`${ended} tasks have completed, others not, and nothing has ended lately.`);
        stuckAt = performance.now() + STUCK_MS;
      }
      await sleep(everyMs);
    }
  }

  /** The tasks above this number, in acceptance order, once none is open. Throws unless they are `count` and all completed. */
  async completed(above: number, count: number): Promise<Measured[]> {
    await this.idle();
    const records = await this.#tasks.find({ seq: { $gt: above }, state: { $exists: true } }, { sort: { seq: 1 } }).toArray();
    const bad = records.filter(({ state }) => state !== 'completed');
    if (records.length !== count || bad.length > 0) {
      const example = bad[0] ? `: for example ${JSON.stringify(bad[0])}` : '';
      throw new Error(`${records.length - bad.length} of ${count} tasks completed, ${bad.length} ended otherwise${example}`);
    }
    return records.map(measuredOf);
  }

  /** Throws unless so many tasks stand above this number. */
  async accepted(above: number, count: number): Promise<void> {
    const stored = await this.#tasks.countDocuments({ seq: { $gt: above }, state: { $exists: true } }, { hint: 'seq' });
    if (stored !== count) throw new Error(`${count} tasks were accepted, and ${stored} are stored.`);
  }

  #first(above: number): Promise<TaskRecord | null> {
    return this.#tasks.findOne({ seq: { $gt: above }, state: { $exists: true } }, { sort: { seq: 1 } });
  }
}

function measuredOf({ seq, exclusive, result, createdAt, startedAt, finishedAt }: TaskRecord): Measured {
  return {
    seq,
    acceptedAt: createdAt.getTime(),
    startedAt: startedAt?.getTime() ?? NaN,
    finishedAt: finishedAt?.getTime() ?? NaN,
    resources: exclusive,
    result: result === undefined ? undefined : JSON.parse(result),
  };
}
