import type { Filter } from 'mongodb';
import type { TrailEntry, TrailFilter, TrailStore } from '../trail.js';
import { LIMIT, read, write } from './calls.js';
import type { Database, TrailDocument } from './database.js';

export function mongoTrail(db: Database): TrailStore {
  return {
    async append({ id, ...entry }) {
      await write('write the audit trail', () => db.trail.insertOne({ _id: id, ...entry }, LIMIT));
    },
    async settle(id, end) {
      await write('end an entry of the audit trail', () => db.trail.updateOne({ _id: id }, { $set: end }, LIMIT));
    },
    list: (filter, limit) => list(db, filter, limit),
  };
}

async function list(db: Database, filter: TrailFilter, limit: number): Promise<TrailEntry[]> {
  const options = { ...LIMIT, sort: { _id: -1 }, limit } as const;
  const found = await read('list the audit trail', () => db.trail.find(conditions(filter), options).toArray());
  return found.map(({ _id: id, ...entry }) => ({ id, ...entry }));
}

/** Only typed values come in here, and each stands under a fixed field and operator. */
function conditions({ from, before, ...fields }: TrailFilter): Filter<TrailDocument> {
  const wanted = Object.entries(fields).flatMap(([field, values]) => (values ? [[field, { $in: [...values] }]] : []));
  const ids = { ...(from !== undefined && { $gte: from }), ...(before !== undefined && { $lt: before }) };
  return { ...(Object.fromEntries(wanted) as object), ...(Object.keys(ids).length > 0 && { _id: ids }) };
}
