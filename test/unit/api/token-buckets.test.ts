import { expect } from 'chai';

import { TokenBuckets } from '../../../src/api/limits/token-buckets.js';

describe('Buckets of tokens', () => {
  let now = 0;
  const clock = { monotonicMs: () => now, wall: () => new Date(now) };
  beforeEach(() => (now = 0));
  const taken = (buckets: TokenBuckets, asker: string, times: number): number =>
    Array.from({ length: times }, () => buckets.take(asker)).filter(each => each).length;

  it('give a burst, then the rate, and never more than a burst after a rest', () => {
    const buckets = new TokenBuckets(clock, { perSecond: 10, burst: 5 });
    expect(taken(buckets, 'a', 20)).to.equal(5);
    now += 99;
    expect(taken(buckets, 'a', 20)).to.equal(0);
    now += 1;
    expect(taken(buckets, 'a', 20)).to.equal(1);
    now += 1_000_000;
    expect(taken(buckets, 'a', 20)).to.equal(5);
  });

  it('let whoever asks without a pause have the rate, however often he is refused', () => {
    const buckets = new TokenBuckets(clock, { perSecond: 10, burst: 1 });
    let all = 0;
    for (let ms = 0; ms < 10_000; ms += 5, now += 5) all += taken(buckets, 'a', 3);
    expect(all).to.equal(100);
  });

  it('have one for each, and forget who has not asked for the longest time', () => {
    const buckets = new TokenBuckets(clock, { perSecond: 1, burst: 1 }, 2);
    expect([taken(buckets, 'a', 2), taken(buckets, 'b', 2), taken(buckets, 'a', 1)]).to.deep.equal([1, 1, 0]);
    expect([taken(buckets, 'c', 2), taken(buckets, 'a', 1), taken(buckets, 'b', 1)]).to.deep.equal([1, 0, 1]);
  });

  it('have no bound with a rate of 0', () => {
    expect(taken(new TokenBuckets(clock, { perSecond: 0, burst: 1 }), 'a', 50)).to.equal(50);
  });
});
