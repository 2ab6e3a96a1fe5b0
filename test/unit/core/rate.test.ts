import { expect } from 'chai';
import fc from 'fast-check';

import { burstOf, intervalMsOf, limitText, MAX_COUNT, parseLimit } from '../../../src/core/rate.js';

describe('a rate limit as text', () => {
  const good: [string, number, number, string][] = [
    ['10/s', 10, 1_000, '10/s'],
    ['100/m', 100, 60_000, '100/m'],
    ['1/h', 1, 3_600_000, '1/h'],
    ['5/10s', 5, 10_000, '5/10s'],
    ['1/d', 1, 86_400_000, '1/d'],
    ['6/120s', 6, 120_000, '6/2m'],
    ['1000000/s', 1_000_000, 1_000, '1000000/s'],
  ];
  for (const [text, count, perMs, shown] of good) {
    it(`reads ${text}`, () => {
      expect(parseLimit(text)).to.deep.equal({ count, perMs });
      expect(limitText({ count, perMs })).to.equal(shown);
    });
  }

  for (const text of [
    '',
    '10',
    '10/',
    '/s',
    '0/s',
    '-1/s',
    '1.5/s',
    '10/x',
    '10/0s',
    '1e3/s',
    ' 10/s',
    '10/S',
    '2000000/s',
    '1/400d',
    '10 / s',
  ])
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseLimit(text)).to.equal(undefined));

  it('is read as it was written', () => {
    const unit = fc.constantFrom(1_000, 60_000, 3_600_000, 86_400_000);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_COUNT }), fc.integer({ min: 1, max: 300 }), unit, (count, times, ms) => {
        const limit = { count, perMs: times * ms };
        expect(parseLimit(limitText(limit))).to.deep.equal(limit);
      }),
    );
  });

  it('has a burst of one second, at least one', () => {
    const bursts = ['10/s', '100/m', '1/s', '3/2s', '1/d', '150/m'].map(text => burstOf(parseLimit(text)!));
    expect(bursts).to.deep.equal([10, 1, 1, 1, 1, 2]);
    expect(intervalMsOf(parseLimit('5/10s')!)).to.equal(2_000);
  });
});
