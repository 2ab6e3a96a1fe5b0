import { expect } from 'chai';

import { EventGaps } from '../../../src/broker/event-gaps.js';

describe('Numbers of events', () => {
  it('show what is missing between two of one emitter, and nothing before the first', () => {
    const gaps = new EventGaps();
    expect([5, 6, 8, 9].map(number => gaps.isGap('a', number))).to.deep.equal([false, false, true, false]);
    expect([1, 2].map(number => gaps.isGap('b', number))).to.deep.equal([false, false]);
  });

  it('say nothing when they come late or again', () => {
    const gaps = new EventGaps();
    expect([1, 2, 2, 1, 3].map(number => gaps.isGap('a', number))).to.deep.equal([false, false, false, false, false]);
  });

  it('begin anew after a clear, and are kept for a bounded number of emitters', () => {
    const gaps = new EventGaps();
    gaps.isGap('a', 1);
    gaps.clear();
    expect(gaps.isGap('a', 9)).to.equal(false);
    for (let n = 0; n < 1_000; n++) gaps.isGap(`other ${n}`, 1);
    expect(gaps.isGap('a', 20), 'forgotten').to.equal(false);
    expect(gaps.isGap('other 999', 3)).to.equal(true);
  });
});
