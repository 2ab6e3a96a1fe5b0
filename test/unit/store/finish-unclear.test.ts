import { expect } from 'chai';
import { MongoNetworkError } from 'mongodb';

import { StoreError } from '../../../src/core/errors.js';
import type { Database } from '../../../src/store/mongo/database.js';
import { finish } from '../../../src/store/mongo/finish.js';

const ENDING = { id: 't', token: 'mine', outcome: { kind: 'completed' as const, result: 1 } };

/** A collection whose first update dies on its socket before the server has seen it. */
function lostRequest(record: object): Database {
  let updates = 0;
  return {
    tasks: {
      updateMany: () =>
        ++updates === 1 ? Promise.reject(new MongoNetworkError('read ECONNRESET')) : Promise.resolve({ matchedCount: 1 }),
      find: () => ({ toArray: () => Promise.resolve([record]) }),
    },
  } as unknown as Database;
}

describe('an end whose write never reached the server', () => {
  it('stays unclear as long as the record shows its start, so that it is asked again and not dropped', async () => {
    const db = lostRequest({ _id: 't', state: 'running', run: { token: 'mine' }, attempts: [] });
    const error = await finish(db, [ENDING]).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(StoreError).with.property('outcome', 'unknown');
    expect(await finish(db, [ENDING])).to.deep.equal(new Set(['t']));
  });

  it('is refused when the record shows that somebody else ended it', async () => {
    const db = lostRequest({ _id: 't', state: 'canceled', attempts: [{ token: 'mine', reason: 'worker-lost' }] });
    expect(await finish(db, [ENDING])).to.deep.equal(new Set());
  });
});
