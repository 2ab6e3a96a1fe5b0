import type { Db } from 'mongodb';
import { LIMIT, read } from '../calls.js';

/** Before the names of what is being loaded. */
const BESIDE = 'restoring.';

export const besideName = (collection: string): string => BESIDE + collection;

/** Says whose a scratch database is: no part of what is backed up or restored. */
export const OWNER = 'rehearsal';

export interface Listed {
  plain: string[];
  /** Left behind by a restore that did not come to its end. */
  beside: string[];
  /** Views and time series. */
  others: string[];
}

export async function collectionsOf(db: Db): Promise<Listed> {
  const found = await read('collections', () => db.listCollections({}, { nameOnly: true, ...LIMIT }).toArray());
  const listed: Listed = { plain: [], beside: [], others: [] };
  for (const { name, type } of found) {
    if (name.startsWith('system.') || name === OWNER) continue;
    if (type !== 'collection') listed.others.push(name);
    else (name.startsWith(BESIDE) ? listed.beside : listed.plain).push(name);
  }
  return { plain: listed.plain.sort(), beside: listed.beside.sort(), others: listed.others.sort() };
}
