import { expect } from 'chai';

import { boundedTest, TooSlow } from '../../../src/tasks/bounded-pattern.js';

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Without a processor, as on a machine that stands still. */
function waits(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}

describe('A pattern of a task type', () => {
  it('is asked again where time passed without it', () => {
    let calls = 0;
    const test = boundedTest(
      'the pattern a',
      text => {
        if (++calls <= 2) waits(60_000);
        return text === 'a';
      },
      0,
    );
    expect(test('a')).to.equal(true);
    expect(calls).to.equal(3);
  });

  it('is given up where that does not end', () => {
    let calls = 0;
    const test = boundedTest(
      'the pattern a',
      () => {
        calls++;
        waits(60_000);
        return true;
      },
      0,
    );
    expect(() => test('a')).to.throw(TooSlow, 'takes more than 100 ms to be compared with the pattern a');
    expect(calls).to.equal(10);
  });

  it('is stopped where it computes for ever', () => {
    let calls = 0;
    const test = boundedTest(
      'the pattern a',
      () => {
        calls++;
        for (;;);
      },
      0,
    );
    expect(() => test('a')).to.throw(TooSlow);
    expect(calls).to.be.within(1, 10);
  });
});
