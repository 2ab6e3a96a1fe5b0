import type { Db, Document } from 'mongodb';
import type { Rehearser, ScratchStore } from '../../archive.js';
import { LIMIT, read, write } from '../calls.js';
import type { Database } from '../database.js';
import { OWNER } from './collections.js';

const DROP_MS = 60_000;
/** A database name has at most 63 bytes. */
const MAX_NAME = 40;

/** `unique` is 8 hexadecimal digits. */
export function scratchName(database: string, unique: string): string {
  return `${database.slice(0, MAX_NAME)}_verify_${unique}`;
}

export function mongoScratch(db: Database): ScratchStore {
  const { bulkDb } = db;
  return {
    claim: async by => {
      await write('claim a scratch database', () =>
        ownerIn(bulkDb).insertOne({ _id: 'owner', ...by, startedAt: new Date() }, LIMIT),
      );
    },
    drop: () => drop(bulkDb),
    dropLeftovers: isOver => dropLeftovers(db, isOver),
  };
}

type OwnerDocument = Rehearser & { _id: 'owner'; startedAt: Date };

function ownerIn(db: Db): ReturnType<typeof db.collection<OwnerDocument>> {
  return db.collection<OwnerDocument>(OWNER);
}

async function drop(db: Db): Promise<void> {
  await write('drop a scratch database', () => db.dropDatabase(), DROP_MS);
}

/** Nothing but what bears an owner's record under such a name: a name alone proves nothing. */
async function dropLeftovers({ bulk, bulkDb }: Database, isOver: (by: Rehearser, startedAt: Date) => boolean): Promise<string[]> {
  const prefix = bulkDb.databaseName.replace(/[0-9a-f]{8}$/, '');
  const command: Document = { listDatabases: 1, nameOnly: true, ...LIMIT };
  const { databases } = await read('databases', () => bulk.db('admin').command(command));
  const names = (databases as { name: string }[]).map(({ name }) => name);
  const left: string[] = [];
  for (const name of names) {
    if (name === bulkDb.databaseName || !name.startsWith(prefix) || !/^[0-9a-f]{8}$/.test(name.slice(prefix.length))) continue;
    const owner = await read('owner of a scratch database', () => ownerIn(bulk.db(name)).findOne({ _id: 'owner' }, LIMIT));
    if (!owner || !isOver(owner, owner.startedAt)) continue;
    await drop(bulk.db(name));
    left.push(name);
  }
  return left;
}
