import { expect } from 'chai';

import { setUp, task } from '../../support/claiming.js';

const COPIES = 1_000;

describe('A thousand copies of one hint', () => {
  it('start its task once, are all used up, and cost no more questions than there are copies', async () => {
    let asked = 0;
    const stored = [task('a', 1)];
    const { time, loop, running, broker, hint, end } = setUp({
      claimable: () => {
        asked += 1;
        return Promise.resolve([...stored]);
      },
      start: starts => {
        const ids = new Set(starts.map(start => start.id));
        const found = stored.filter(({ id }) => ids.has(id)).map(({ id }) => id);
        stored.length = 0;
        return Promise.resolve(new Set(found));
      },
    });
    await loop.start();
    let started = 0;
    for (let sent = 0, turns = 0; broker.acked.length < COPIES && turns < 20 * COPIES; turns += 1) {
      // As many are unacknowledged as the broker would have out.
      while (sent < COPIES && sent - broker.acked.length < (broker.prefetch.at(-1) ?? 0)) {
        hint('a');
        sent += 1;
      }
      await time.advance(1);
      for (const id of [...running.keys()]) {
        started += 1;
        end(id);
      }
    }
    expect([started, broker.acked.length]).to.deep.equal([1, COPIES]);
    expect(asked).to.be.at.most(COPIES + 10);
    expect(broker.published, 'nothing is sent on').to.deep.equal([]);
    await loop.stop();
  });
});
