import { expect } from 'chai';

import { insertEnded } from '../../support/ended-tasks.js';
import { apiOnMongo } from './on-mongo.js';

/** Several requests' worth. An emulated server on a busy machine takes 5 ms for each, there and away again; `npm run bench -- purge` deletes a million. */
const MANY = 50_000;

describe('The API on MongoDB, deleting 50,000 tasks', function () {
  this.timeout(900_000);
  const api = apiOnMongo();
  const { send, idOf, stored } = api;

  interface Purged {
    deleted: number;
    kept: number;
    more: boolean;
  }

  it('by state, in as many requests as it takes, and leaves what is open alone', async () => {
    const open = await idOf({ name: 'anything' });
    await insertEnded(api.db(), MANY);
    let deleted = 0;
    for (let more = true; more;) {
      const { status, body } = await send('/tasks?state=completed', {
        method: 'DELETE',
        headers: { prefer: 'return=representation' },
      });
      const purged = body as unknown as Purged;
      expect([status, purged.kept]).to.deep.equal([200, 0]);
      expect(purged.deleted).to.be.above(0);
      deleted += purged.deleted;
      ({ more } = purged);
    }
    expect(deleted).to.equal(MANY);
    expect(await stored()).to.equal(1);
    expect((await send(`/tasks/${open}`)).body.state).to.equal('waiting');
  });
});
