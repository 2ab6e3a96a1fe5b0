import { expect } from 'chai';

import { DEFAULT_RETRY, retryDelayMs } from '../../../src/core/retry.js';

const policy = { ...DEFAULT_RETRY, delayMs: 1_000, maxDelayMs: 10_000, jitter: false };
const delays = (change: object, uniform = 0): number[] =>
  [1, 2, 3, 4, 5, 6].map(attempt => retryDelayMs({ ...policy, ...change }, attempt, () => uniform));

describe('the delay before a start that follows a failure', () => {
  it('doubles from start to start, up to the longest', () => {
    expect(delays({})).to.deep.equal([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(retryDelayMs(policy, 1_000, () => 0)).to.equal(10_000);
  });

  it('is always the same where it is fixed', () => {
    expect(new Set(delays({ backoff: 'fixed' }))).to.deep.equal(new Set([1_000]));
  });

  it('lies between half of it and all of it with jitter', () => {
    expect(delays({ jitter: true }, 0)).to.deep.equal([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(delays({ jitter: true }, 1).slice(0, 3)).to.deep.equal([1_000, 2_000, 4_000]);
  });

  it('may be none', () => {
    expect(new Set(delays({ delayMs: 0, jitter: true }, 0.7))).to.deep.equal(new Set([0]));
  });
});
