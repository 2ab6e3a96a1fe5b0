import { expect } from 'chai';

import { behind, isOlder, raised, type Water } from '../../../src/core/high-water.js';

const SEEN: Water = { createdAtMs: 1_000, generation: 2, renumbered: 1, seq: 1_044, fence: 9, epoch: 3 };

describe('the highest numbers that were seen', () => {
  const cases: [what: string, found: Partial<Water>, older: boolean][] = [
    ['the same', {}, false],
    ['higher ones', { seq: 2_000, fence: 10, epoch: 4 }, false],
    ['a lower acceptance number', { seq: 812 }, true],
    ['a lower fence, though more was accepted since', { seq: 2_000, fence: 8 }, true],
    ['a lower epoch', { epoch: 2 }, true],
    ['a database that was made since', { createdAtMs: 2_000, generation: 1, renumbered: 0, seq: 0, fence: 1, epoch: 0 }, false],
    ['one that a backup was restored into', { createdAtMs: 2_000, generation: 3, renumbered: 0, seq: 60_000_000 }, false],
    ['a counter that manage-db made anew', { renumbered: 2, seq: 800 }, false],
    ['one from before a restore', { createdAtMs: 500, generation: 1, seq: 90_000_000 }, true],
    ['one from before a counter was made anew', { renumbered: 0, seq: 2_000 }, true],
  ];
  for (const [what, change, older] of cases) {
    it(`${older ? 'tell' : 'do not call'} ${what} ${older ? 'from what is newer' : 'an older database'}`, () => {
      expect(isOlder({ ...SEEN, ...change }, SEEN)).to.equal(older);
    });
  }

  it('are the higher of each, of the later database alone', () => {
    expect(raised(SEEN, { ...SEEN, seq: 2_000, fence: 8 })).to.deep.equal({ ...SEEN, seq: 2_000 });
    const other = { ...SEEN, createdAtMs: 2_000, seq: 0 };
    expect(raised(SEEN, other)).to.equal(other);
    expect(raised(other, SEEN)).to.equal(other);
  });

  it('name what is lower', () => {
    expect(behind({ ...SEEN, seq: 812, epoch: 2 }, SEEN)).to.equal('number 812 < seen 1,044, epoch 2 < seen 3');
    expect(behind({ ...SEEN, createdAtMs: 0, seq: 0 }, SEEN)).to.equal(
      'made at 1970-01-01T00:00:00.000Z < seen 1970-01-01T00:00:01.000Z',
    );
  });
});
