import { expect } from 'chai';

import { median, percentile, spreadOf, summaries } from '../../bench/statistics.js';

describe('Statistics of a bench', () => {
  it('takes a percentile from the values that there are', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(values, 0.5)).to.equal(50);
    expect(percentile(values, 0.99)).to.equal(99);
    expect(percentile([7], 0.99)).to.equal(7);
    expect(percentile([], 0.5)).to.be.NaN;
  });

  it('takes the middle of an even number of runs', () => {
    expect(median([4, 1, 3])).to.equal(3);
    expect(median([4, 1, 3, 2])).to.equal(2.5);
  });

  it('summarises every figure over all runs', () => {
    expect(summaries([{ p50Ms: 3 }, { p50Ms: 1 }, { p50Ms: 2 }])).to.deep.equal({ p50Ms: { median: 2, min: 1, max: 3 } });
    expect(spreadOf('enqueue', [1, 2, 6])).to.deep.equal({ enqueueMeanMs: 3, enqueueP50Ms: 2, enqueueP99Ms: 6 });
  });

  it('refuses a figure that a run does not have', () => {
    expect(() => summaries([{ p50Ms: 3 }, {}])).to.throw('no figure "p50Ms"');
    expect(() => summaries([{ p50Ms: NaN }])).to.throw('no figure "p50Ms"');
  });
});
