import type { Filter } from 'mongodb';
import type { NewToken, Token, TokenStore } from '../tokens.js';
import { LIMIT, read, write } from './calls.js';
import type { Database, TokenDocument } from './database.js';
import { isDuplicateKey } from './errors.js';
import { literal } from './pipelines.js';

export function mongoTokens(db: Database): TokenStore {
  const one = async (what: string, filter: Filter<TokenDocument>): Promise<Token | undefined> =>
    fromDocument(await read(what, () => db.tokens.findOne(filter, LIMIT)));
  return {
    create: token => create(db, token),
    get: id => one('get token', { _id: id }),
    byName: name => one('find token by name', { name }),
    byHash: hash => one('find token', { hash }),
    list: (limit, afterId) => list(db, limit, afterId),
    remove: id => remove(db, id),
    any: async () =>
      (await read('any token', () => db.tokens.findOne({}, { ...LIMIT, hint: { _id: 1 }, projection: { _id: 1 } }))) !== null,
    used: (id, quietMs) => used(db, id, quietMs),
  };
}

async function create(db: Database, { id, ...token }: NewToken): Promise<Token | undefined> {
  const fresh = { $mergeObjects: [literal({ _id: id, ...token }), { createdAt: '$$NOW' }] };
  const exists = { $ne: [{ $type: '$createdAt' }, 'missing'] };
  const pipeline = [{ $replaceWith: { $cond: [exists, '$$ROOT', fresh] } }];
  return write('create token', async () => {
    try {
      const options = { upsert: true, returnDocument: 'after', ...LIMIT } as const;
      return fromDocument(await db.tokens.findOneAndUpdate({ _id: id }, pipeline, options));
    } catch (error) {
      if (isDuplicateKey(error)) return undefined;
      throw error;
    }
  });
}

async function list(db: Database, limit: number, afterId = ''): Promise<Token[]> {
  const options = { ...LIMIT, sort: { _id: 1 }, limit } as const;
  const found = await read('list tokens', () => db.tokens.find({ _id: { $gt: afterId } }, options).toArray());
  return found.flatMap(document => fromDocument(document) ?? []);
}

async function remove(db: Database, id: string): Promise<boolean> {
  return (await write('remove token', () => db.tokens.deleteOne({ _id: id }, LIMIT))).deletedCount === 1;
}

async function used(db: Database, id: string, quietMs: number): Promise<void> {
  const long = { $lt: ['$lastUsedAt', { $subtract: ['$$NOW', quietMs] }] }; // what is missing is less than any time
  await write('note use of token', () =>
    db.tokens.updateOne({ _id: id, $expr: long }, [{ $set: { lastUsedAt: '$$NOW' } }], LIMIT),
  );
}

function fromDocument(document: TokenDocument | null): Token | undefined {
  if (!document) return undefined;
  const { _id: id, ...token } = document;
  return { id, ...token };
}
