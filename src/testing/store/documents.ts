import type { Documents, DocumentStore, StoredDocument } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { DocumentRecord, SimulatedDatabase } from './database.js';
import { byId } from './records.js';

export function simulatedDocuments(db: SimulatedDatabase, reserved: ReadonlySet<string>): Documents {
  return {
    collection: <T extends object>(name: string): DocumentStore<T> => {
      if (!/^[a-z_]{1,40}$/.test(name) || reserved.has(name)) {
        throw new TypeError(`A plugin's collection is named [a-z_]{1,40} and unlike Interlock's own, not "${name}".`);
      }
      return collection<T>(db, name);
    },
  };
}

/** Copied on their way in and out: what plugins do to their documents is not known, and they are few. */
function collection<T extends object>(db: SimulatedDatabase, name: string): DocumentStore<T> {
  const key = (id: string): string => `${name}/${id}`;
  const write = (id: string, revision: number, document: T): StoredDocument<T> => {
    const record = { collection: name, id, revision, body: structuredClone(document) };
    db.documents.put(key(id), record);
    return unwrapped(record);
  };
  return atOnce<DocumentStore<T>>({
    insert: (id, document) => (db.documents.get(key(id)) ? undefined : write(id, 1, document)),
    get(id) {
      const record = db.documents.get(key(id));
      return record && unwrapped(record);
    },
    list(limit, afterId) {
      const wanted = (record: DocumentRecord): boolean =>
        record.collection === name && (afterId === undefined || record.id > afterId);
      const found = [...db.documents.values()].filter(wanted).sort(byId);
      return found.slice(0, limit).map(record => unwrapped<T>(record));
    },
    replace: (id, revision, document) =>
      db.documents.get(key(id))?.revision === revision ? write(id, revision + 1, document) : undefined,
    remove: id => db.documents.delete(key(id)),
  });
}

function unwrapped<T>({ id, revision, body }: DocumentRecord): StoredDocument<T> {
  return { ...(structuredClone(body) as T), id, revision };
}
