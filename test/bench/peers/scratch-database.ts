import { MongoClient, type Db } from 'mongodb';

import type { Site } from './site.js';

/** A database of one peer on the MongoDB that all share; it goes with the site. */
export interface ScratchDatabase {
  /** With majority write concern, for whichever driver takes it. */
  url: string;
  db: Db;
}

export async function scratchDatabase(site: Site, peer: string): Promise<ScratchDatabase> {
  const name = `bench_peers_${peer}_${process.pid}`;
  const { mongoUrl } = site.testServers;
  const client = await MongoClient.connect(mongoUrl, { serverSelectionTimeoutMS: 5_000 });
  const db = client.db(name);
  site.atEnd(async () => {
    await db.dropDatabase();
    await client.close();
  });
  return { url: withMajority(mongoUrl, name), db };
}

/** The same servers and options, another database, and every write answered when a majority has it. */
export function withMajority(mongoUrl: string, database: string): string {
  const [, servers = '', options = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(?:\?(.*))?$/.exec(mongoUrl) ?? [];
  const kept = options.split('&').filter(option => option !== '' && !option.startsWith('w='));
  return `${servers}/${database}?${[...kept, 'w=majority'].join('&')}`;
}
