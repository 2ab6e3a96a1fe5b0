import type { Db } from 'mongodb';

import { until } from '../../support/wait.js';
import { openTasks } from './watch.js';

/** What has become of the tasks that clients were told of. */
export interface Ends {
  /** Not there any more. */
  lost: number;
  unfinished: number;
  /** Starts, of any task, that ended with their worker. */
  workerLost: number;
  /** From acceptance to end, in milliseconds by the server's clock. */
  ms: number[];
}

interface TaskRecord {
  _id: string;
  state: string;
  createdAt: Date;
  finishedAt?: Date;
}

const CHUNK = 5_000;
const FINAL = new Set(['completed', 'failed', 'canceled', 'skipped']);

/** Throws when something is open for five minutes. */
export async function untilIdle(db: Db): Promise<void> {
  await until('no task is open', async () => (await openTasks(db)) === 0, { timeoutMs: 300_000, everyMs: 500 });
}

export async function endsOf(db: Db, accepted: readonly string[]): Promise<Ends> {
  const tasks = db.collection<TaskRecord>('tasks');
  const workerLost = await tasks.countDocuments({ $or: [{ reason: 'worker-lost' }, { 'attempts.reason': 'worker-lost' }] });
  const ends: Ends = { lost: 0, unfinished: 0, workerLost, ms: [] };
  for (let from = 0; from < accepted.length; from += CHUNK) {
    const ids = accepted.slice(from, from + CHUNK);
    const projection = { state: 1, createdAt: 1, finishedAt: 1 };
    const found = await tasks.find({ _id: { $in: ids } }, { projection }).toArray();
    ends.lost += ids.length - found.length;
    for (const { state, createdAt, finishedAt } of found) {
      if (FINAL.has(state) && finishedAt) ends.ms.push(finishedAt.getTime() - createdAt.getTime());
      else ends.unfinished += 1;
    }
  }
  return ends;
}
