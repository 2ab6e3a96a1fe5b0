import { expect } from 'chai';

import { DEFAULT_TIMING, timingProblems, type Timing } from '../../../src/core/timing.js';

describe('the timing of the protocol', () => {
  it('is sound by default, and at any scale', () => {
    expect(timingProblems(DEFAULT_TIMING)).to.deep.equal([]);
    const fifth = Object.fromEntries(
      Object.entries(DEFAULT_TIMING).map(([key, ms]) => [key, Number(ms) / 5]),
    ) as unknown as Timing;
    expect(timingProblems(fifth)).to.deep.equal([]);
  });

  const broken: [string, Partial<Timing>][] = [
    ['heartbeatDeadlineMs', { heartbeatDeadlineMs: 6_000 }],
    ['selfFenceMs', { selfFenceMs: 14_000 }],
    ['watchMs', { watchMs: 20_000 }],
    ['ttlMs', { ttlMs: 21_000 }],
    ['sweepMs', { sweepMs: 13_000 }],
    ['leaseTrustMs', { leaseTrustMs: 15_000 }],
    ['leaseRenewMs', { leaseRenewMs: 6_000 }],
    ['passMs', { passMs: 16_000 }],
  ];
  for (const [name, change] of broken) {
    it(`is refused, naming ${name}, when that breaks an order that must hold`, () => {
      expect(timingProblems({ ...DEFAULT_TIMING, ...change }).map(problem => problem.split(':')[0])).to.deep.equal([name]);
    });
  }
});
