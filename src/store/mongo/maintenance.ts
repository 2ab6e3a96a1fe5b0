import type { Filter } from 'mongodb';
import type { Maintenance } from '../../core/maintenance.js';
import type { MaintenanceStore } from '../maintenance.js';
import { LIMIT, read, write } from './calls.js';
import type { Database, MaintenanceDocument } from './database.js';
import { literal } from './pipelines.js';

const ID: Filter<MaintenanceDocument> = { _id: 'maintenance' };

export function mongoMaintenance(db: Database): MaintenanceStore {
  return {
    read: async () => toMaintenance(await read('maintenance', () => db.maintenance.findOne(ID, LIMIT))),
    begin: wish => begin(db, wish),
    end: async () => (await write('end maintenance', () => db.maintenance.deleteOne(ID, LIMIT))).deletedCount === 1,
  };
}

async function begin(db: Database, { by, reason }: Omit<Maintenance, 'since'>): Promise<Maintenance> {
  const kept = { since: { $ifNull: ['$since', '$$NOW'] }, by: { $ifNull: ['$by', literal(by)] } };
  const change = [{ $set: { ...kept, ...(reason !== undefined && { reason: literal(reason) }) } }];
  const options = { upsert: true, returnDocument: 'after', ...LIMIT } as const;
  const stored = toMaintenance(await write('begin maintenance', () => db.maintenance.findOneAndUpdate(ID, change, options)));
  if (!stored) throw new Error('an upsert gave no document');
  return stored;
}

function toMaintenance(document: MaintenanceDocument | null): Maintenance | undefined {
  if (!document) return undefined;
  const { since, by, reason } = document;
  return { since, by, ...(reason !== undefined && { reason }) };
}
