import { expect } from 'chai';

import { closedBars, Progress } from '../../../src/tasks/progress.js';

const setUp = () => {
  let changes = 0;
  const progress = new Progress(() => changes++);
  return { progress, changes: () => changes };
};

describe('the progress of a run', () => {
  it('is one report for each bar, as it stands', () => {
    const { progress, changes } = setUp();
    const bar = progress.open('files', { message: 'Files', total: 3, suffix: 'files' });
    progress.open('plain');
    bar.increment();
    bar.increment(0.5);
    bar.set(3);
    bar.end();
    expect(progress.bars).to.deep.equal([
      { code: 'files', message: 'Files', done: 3, total: 3, suffix: 'files', state: 'completed' },
      { code: 'plain', message: 'plain', done: 0, total: null, suffix: null, state: 'running' },
    ]);
    expect(changes()).to.equal(6);
  });

  it('changes what a bar says, and no more than is given', () => {
    const { progress } = setUp();
    const bar = progress.open('files', { message: 'Files', suffix: 'files' });
    bar.update({ total: 7 });
    bar.update({ message: 'All files' });
    expect(progress.bars[0]).to.include({ message: 'All files', total: 7, suffix: 'files', done: 0 });
  });

  it('refuses what could not be stored, with a word that says why', () => {
    const { progress } = setUp();
    const bar = progress.open('files');
    expect(() => bar.increment(Number.NaN)).to.throw(TypeError, 'finite numbers, not NaN');
    expect(() => bar.set(Infinity)).to.throw(TypeError, 'finite');
    expect(() => bar.update({ total: Number.NaN })).to.throw(TypeError, 'finite');
    expect(() => progress.open(7 as never)).to.throw(TypeError, 'texts, not 7');
    expect(() => progress.create('')).to.throw(TypeError);
    expect(() => progress.create('x'.repeat(2_049))).to.throw(TypeError);
    expect(progress.bars).to.have.length(1);
    expect(progress.created).to.deep.equal([]);
  });

  it('is bounded: bars, texts, created resources', () => {
    const { progress } = setUp();
    progress.open('c'.repeat(600), { message: 'm'.repeat(600) });
    expect(progress.bars[0]).to.include({ code: 'c'.repeat(500), message: 'm'.repeat(500) });
    for (let n = 1; n < 100; n++) progress.open('bar');
    expect(() => progress.open('one more')).to.throw(RangeError, '100 progress bars');
    for (let n = 0; n < 1_000; n++) progress.create(`/${n}`);
    expect(() => progress.create('/one-more')).to.throw(RangeError, '1000 created resources');
    const other = setUp().progress;
    for (let n = 0; n < 128; n++) other.create('x'.repeat(2_048));
    expect(() => other.create('x')).to.throw(RangeError, '256 KiB');
  });

  it('takes nothing more when its run has ended', () => {
    const { progress, changes } = setUp();
    const bar = progress.open('files');
    progress.close();
    bar.increment();
    progress.create('/late');
    expect(progress.bars[0]).to.include({ done: 0 });
    expect(progress.created).to.deep.equal([]);
    expect(changes()).to.equal(1);
  });

  it('ends as its task does where a bar was left open', () => {
    const { progress } = setUp();
    progress.open('done').end();
    progress.open('open');
    expect(closedBars(progress.bars, 'failed').map(({ state }) => state)).to.deep.equal(['completed', 'failed']);
  });
});
