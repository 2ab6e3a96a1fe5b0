import { expect } from 'chai';

import { Numbering } from '../../../src/resource-manager/numbering.js';
import { VirtualTime } from '../../support/virtual-time.js';

describe('the numbering', () => {
  it('takes missing numbers as gaps, which hold the floor but not the mark', () => {
    const numbering = new Numbering(10, new VirtualTime().clock);
    numbering.advance([11, 14]);
    expect(numbering.mark).to.equal(14);
    expect(numbering.gaps).to.deep.equal([12, 13]);
    expect(numbering.floor).to.equal(11);
    numbering.fill([12, 13]);
    expect(numbering.floor).to.equal(14);
  });

  it('calls a gap old by its own age, not by that of others', async () => {
    const time = new VirtualTime();
    const numbering = new Numbering(0, time.clock);
    numbering.advance([2]);
    await time.advance(10_000);
    numbering.advance([4]);
    await time.advance(5_000);
    expect(numbering.olderThan(15_000)).to.deep.equal([1]);
  });
});
