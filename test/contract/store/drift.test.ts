import { expect } from 'chai';
import type { Store } from '../../../src/store/store.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { seeded } from '../../support/random.js';
import { Steps } from './drift-steps.js';
import { FUTURE, PAST } from './drift-wishes.js';
import { mongoUnderTest } from './mongo-under-test.js';

const SEEDS = [1, 2, 3];
const STEPS = 150;
/** Whole databases are compared this often. */
const EVERY = 25;

describe('the simulated store beside MongoDB', () => {
  const mongo = mongoUnderTest();

  for (const seed of SEEDS) {
    it(`gives the same answers to ${STEPS} calls by chance, and has the same records after them (seed ${seed})`, async () => {
      await mongo.clear();
      await mongo
        .db()
        .collection<{ _id: string }>('counters')
        .updateOne({ _id: 'seq' }, { $set: { n: 0 } });
      await mongo
        .db()
        .collection('leases')
        .updateMany({}, { $set: { fence: 1 } });
      const simulated = simulatedStore(new SimulatedDatabase(() => new Date()));
      const steps = new Steps(seeded(seed), simulated);
      for (let n = 1; n <= STEPS; n++) {
        const { name, call, unordered } = await steps.next();
        const [answer, real] = [await call(simulated), await call(mongo.store())].map(each => plain(each, unordered));
        expect(answer, `step ${n}: ${name}`).to.deep.equal(real);
        if (n % EVERY === 0)
          expect(plain(await all(simulated))).to.deep.equal(plain(await all(mongo.store())), `after step ${n}`);
      }
    }).timeout(120_000);
  }
});

function all({ tasks }: Store): Promise<unknown> {
  return Promise.all([tasks.list({}, { limit: 1_000, newestFirst: false }), tasks.range(0, 1_000)]);
}

/** Without server times, which are never the same, and without an order that nobody promised. */
function plain(answer: unknown, unordered?: true): unknown {
  const value = answer instanceof Set ? [...answer].sort() : answer;
  const text = JSON.stringify(value ?? null, function (this: Record<string, unknown>, key, each: unknown) {
    const isTime = key === 'rank' || (this[key] instanceof Date && !isOurs(this[key]));
    return isTime ? 'server time' : each;
  });
  const parsed: unknown = JSON.parse(text);
  if (!unordered || !Array.isArray(parsed)) return parsed;
  return (parsed as (string | { id?: string; name: string })[]).sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

function placeOf(row: string | { id?: string; name: string }): string {
  return typeof row === 'string' ? row : (row.id ?? row.name);
}

function isOurs(date: Date): boolean {
  return Math.abs(date.getTime() - PAST) < 1_000 || Math.abs(date.getTime() - FUTURE) < 1_000;
}
