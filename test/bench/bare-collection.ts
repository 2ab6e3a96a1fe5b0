import type { Db, Document } from 'mongodb';
import { v7 } from 'uuid';

import { INDEXES } from '../../src/store/mongo/indexes.js';

/** A collection with the indexes of `tasks` that nobody uses but the bench. */
export interface BareCollection {
  /**
   * Inserts copies of the tasks above this number, with ids and numbers of their own, by one `insertMany` with a majority. How long that took,
   * in milliseconds.
   */
  insertLike(above: number, count: number): Promise<number>;
}

export async function openBareCollection(db: Db): Promise<BareCollection> {
  const bare = db.collection<Document & { _id: string }>('bench_bare_tasks');
  await db.createCollection('bench_bare_tasks');
  await bare.createIndexes([...(INDEXES.get('tasks') ?? [])]);
  let copied = 0;
  return {
    insertLike: async (above, count) => {
      const range = { seq: { $gt: above, $lte: above + count } };
      const tasks = await db.collection('tasks').find(range).toArray();
      const copies = tasks.map(task => ({ ...task, _id: v7(), seq: (copied += 1) }));
      const begun = performance.now();
      await bare.insertMany(copies, { ordered: false, writeConcern: { w: 'majority' } });
      return performance.now() - begun;
    },
  };
}
