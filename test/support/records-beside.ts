import { Binary, type Db } from 'mongodb';

/** Every record of a database as text, with its collection; `without`: names of fields to leave out, wherever in a record they stand. */
export async function recordsBeside(
  db: Db,
  without: Readonly<Record<string, readonly string[]>>,
): Promise<[collection: string, text: string][]> {
  const texts: [string, string][] = [];
  for (const { name } of await db.listCollections().toArray()) {
    const readable = function (this: unknown, key: string, value: unknown): unknown {
      if (without[name]?.includes(key)) return undefined;
      const raw = (this as Record<string, unknown>)[key];
      return raw instanceof Binary ? Buffer.from(raw.buffer).toString('latin1') : value;
    };
    for await (const record of db.collection(name).find()) texts.push([name, JSON.stringify(record, readable)]);
  }
  return texts;
}
