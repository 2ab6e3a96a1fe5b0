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

  it('remembers so many gaps and no more: the mark stops, and all are closed at once, however young', () => {
    const numbering = new Numbering(0, new VirtualTime().clock);
    const numbers = [5, 25_000];
    expect(numbering.reach(numbers)).to.equal(2_001);
    numbering.advance([5], numbering.reach(numbers));
    expect([numbering.mark, numbering.gaps.length]).to.deep.equal([2_001, 2_000]);
    expect(numbering.reach([25_000]), 'no room').to.equal(2_001);
    expect(numbering.olderThan(15_000)).to.have.length(2_000);
    numbering.fill(numbering.gaps);
    expect(numbering.reach([25_000])).to.equal(4_001);
  });

  it('does not follow a number that nobody can have given', () => {
    const numbering = new Numbering(7, new VirtualTime().clock);
    expect(numbering.reach([8, 9_000_000_000_000_000])).to.equal(8);
    expect(numbering.reach([9_000_000_000_000_000])).to.equal(7);
  });
});
