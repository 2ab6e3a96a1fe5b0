import { expect } from 'chai';

import { insertEnded } from '../../support/ended-tasks.js';
import { apiOnMongo } from './on-mongo.js';

/** More than one request deletes in its time here: an emulated server does some 1,300 a second. `npm run bench -- purge` deletes a million. */
const MANY = 5_000;

describe('The API on MongoDB, deleting 5,000 tasks', function () {
  this.timeout(180_000);
  const api = apiOnMongo({ purgeMs: 100 });
  const { send, idOf, stored } = api;

  interface Purged {
    deleted: number;
    kept: number;
    more: boolean;
  }

  it('by state, in as many requests as it takes, and leaves what is open alone', async () => {
    const open = await idOf({ name: 'anything' });
    await insertEnded(api.db(), MANY);
    let [deleted, requests] = [0, 0];
    for (let more = true; more;) {
      const { status, body } = await send('/tasks?state=completed', {
        method: 'DELETE',
        headers: { prefer: 'return=representation' },
      });
      const purged = body as unknown as Purged;
      expect([status, purged.kept]).to.deep.equal([200, 0]);
      expect(purged.deleted > 0 || !purged.more, 'each gets on').to.equal(true);
      deleted += purged.deleted;
      requests += 1;
      ({ more } = purged);
    }
    expect(deleted).to.equal(MANY);
    expect(requests).to.be.above(1);
    expect(await stored()).to.equal(1);
    expect((await send(`/tasks/${open}`)).body.state).to.equal('waiting');
  });
});
