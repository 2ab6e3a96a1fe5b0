import type { CapacityStore } from '../capacities.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';

export function mongoCapacities(db: Database): CapacityStore {
  return {
    declare: (name, units) => declare(db, name, units),
    withdraw: name => withdraw(db, name),
    of: names => capacitiesOf(db, names),
  };
}

async function declare(db: Database, name: string, units: number): Promise<boolean> {
  const change = { $set: { capacity: units } };
  const result = await write('declare capacity', () =>
    db.capacities.updateOne({ _id: name }, change, { upsert: true, ...LIMIT }),
  );
  return result.upsertedCount === 1;
}

async function withdraw(db: Database, name: string): Promise<boolean> {
  const result = await write('withdraw capacity', () => db.capacities.deleteOne({ _id: name }, LIMIT));
  return result.deletedCount === 1;
}

/** What somebody spoiled by hand is no number of units: as if it were not declared. */
async function capacitiesOf(db: Database, names: readonly string[]): Promise<Map<string, number>> {
  const filter = { _id: { $in: [...names] } };
  const found = await read('capacities', () => db.capacities.find(filter, LIMIT).toArray());
  return new Map(found.flatMap(({ _id, capacity }) => (Number.isSafeInteger(capacity) && capacity > 0 ? [[_id, capacity]] : [])));
}
