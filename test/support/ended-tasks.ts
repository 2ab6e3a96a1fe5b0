import type { Db } from 'mongodb';
import { v4, v7 } from 'uuid';

import { toDocument, type TaskDocument } from '../../src/store/mongo/task-documents.js';
import { newTask } from '../contract/store/support.js';

const BATCH = 5_000;
const HOUR_MS = 3_600_000;

/**
 * Puts so many tasks that have completed into the database of a deployment, as if they had run there, with a small result each. The resource manager's floor
 * is raised above them, as by one that has read them all.
 */
export async function insertEnded(db: Db, count: number, progress: (done: number) => void = () => undefined): Promise<void> {
  const counters = db.collection<{ _id: string; n: number }>('counters');
  const counter = await counters.findOneAndUpdate({ _id: 'seq' }, { $inc: { n: count } });
  const first = (counter?.n ?? 0) + 1;
  const tasks = db.collection<TaskDocument>('tasks');
  const incarnation = v4();
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from);
    const documents = Array.from({ length: size }, (_, index) => ended(first + from + index, incarnation));
    await tasks.insertMany(documents, { ordered: false, writeConcern: { w: 1 } });
    progress(from + size);
  }
  const floor = { floor: first + count };
  await db
    .collection<{ _id: string }>('leases')
    .updateOne({ _id: 'resource-manager' }, { $set: floor }, { writeConcern: { w: 'majority' } });
}

function ended(seq: number, incarnation: string): TaskDocument {
  const finishedAt = new Date(Date.now() - HOUR_MS);
  const startedAt = new Date(finishedAt.getTime() - 1_000);
  const attempt = { n: 1, worker: 'w1', incarnation, token: v4(), startedAt, finishedAt, reason: 'completed' };
  const { waitingFor, ...task } = newTask({
    ...{ id: v7(), name: 'bench.nothing', tags: ['bench'], state: 'completed', attempt: 1, attempts: [attempt] },
    ...{ result: { answer: seq }, startedAt, finishedAt },
  });
  if (waitingFor === undefined) throw new Error('a new task waits');
  return { ...toDocument(task, seq, startedAt), readyAt: startedAt };
}
