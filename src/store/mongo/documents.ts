import type { Collection } from 'mongodb';
import type { DocumentStore, Documents, StoredDocument } from '../documents.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { isDuplicateKey } from './errors.js';
import { OWN_COLLECTIONS } from './indexes.js';

/** The plugin's fields stand apart, so that none of them can be taken for ours. */
interface Wrapped<T> {
  _id: string;
  revision: number;
  body: T;
}

export function mongoDocuments(db: Database): Documents {
  return {
    collection: <T extends object>(name: string): DocumentStore<T> => {
      if (!/^[a-z_]{1,40}$/.test(name) || OWN_COLLECTIONS.has(name)) {
        throw new TypeError(`A plugin's collection is named [a-z_]{1,40} and unlike Interlock's own, not "${name}".`);
      }
      return documentStore<T>(db.bulkDb.collection<Wrapped<T>>(name));
    },
  };
}

function documentStore<T extends object>(collection: Collection<Wrapped<T>>): DocumentStore<T> {
  // The driver's types for filters give up on a generic body; the fields named here are not part of it.
  const records = collection as unknown as Collection<Wrapped<object>>;
  const out = (found: unknown): StoredDocument<T> | undefined => (found === null ? undefined : unwrapped(found as Wrapped<T>));
  return {
    async insert(id, document) {
      return write(`insert into ${records.collectionName}`, async () => {
        try {
          await records.insertOne({ _id: id, revision: 1, body: document }, LIMIT);
          return { ...document, id, revision: 1 };
        } catch (error) {
          if (isDuplicateKey(error)) return undefined;
          throw error;
        }
      });
    },
    async get(id) {
      return out(await read(`get from ${records.collectionName}`, () => records.findOne({ _id: id }, LIMIT)));
    },
    async list(limit, afterId) {
      const filter = afterId === undefined ? {} : { _id: { $gt: afterId } };
      const found = await read(`list ${records.collectionName}`, () =>
        records.find(filter, { ...LIMIT, sort: { _id: 1 }, limit }).toArray(),
      );
      return found.map(each => unwrapped(each as Wrapped<T>));
    },
    async replace(id, revision, document) {
      const next = { revision: revision + 1, body: document };
      const options = { returnDocument: 'after', ...LIMIT } as const;
      return out(
        await write(`replace in ${records.collectionName}`, () =>
          records.findOneAndReplace({ _id: id, revision }, next, options),
        ),
      );
    },
    async remove(id) {
      const result = await write(`remove from ${records.collectionName}`, () => records.deleteOne({ _id: id }, LIMIT));
      return result.deletedCount === 1;
    },
  };
}

function unwrapped<T>({ _id, revision, body }: Wrapped<T>): StoredDocument<T> {
  return { ...body, id: _id, revision };
}
