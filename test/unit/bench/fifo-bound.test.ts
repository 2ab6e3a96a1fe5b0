import { expect } from 'chai';

import { draw } from '../../bench/drawing.js';
import { blockersOf, strictFifoEnd, type Arrival } from '../../bench/fifo-bound.js';

const at = (acceptedAt: number, ...resources: string[]): Arrival => ({ acceptedAt, resources });

describe('The strict-FIFO bound', () => {
  it('runs what shares nothing side by side, as far as there are slots', () => {
    const tasks = [at(0, 'a'), at(0, 'b'), at(0, 'c')];
    expect(strictFifoEnd(tasks, 3, 500)).to.equal(500);
    expect(strictFifoEnd(tasks, 2, 500)).to.equal(1_000);
    expect(strictFifoEnd(tasks, 1, 500)).to.equal(1_500);
  });

  it('lets nobody overtake on a shared resource, also not one that has the other resource for itself', () => {
    // c waits for b, which waits for a: a chain, although c shares nothing with a.
    expect(strictFifoEnd([at(0, 'x', 'y'), at(0, 'y', 'z'), at(0, 'z')], 64, 500)).to.equal(1_500);
  });

  it('does not let a blocked task keep others from a free slot', () => {
    expect(strictFifoEnd([at(0, 'x'), at(0, 'x'), at(0, 'y')], 2, 500)).to.equal(1_000);
  });

  it('counts from when tasks were accepted', () => {
    expect(strictFifoEnd([at(100, 'x'), at(900, 'y')], 1, 500)).to.equal(1_400);
    expect(strictFifoEnd([at(100, 'x'), at(300, 'y')], 1, 500)).to.equal(1_100);
  });

  it('gives the figures of the reference for the reserved workload: 128 s at 1, 32 s at 4, about 8 s from 32 on', () => {
    const ends = (slots: number): number[] =>
      Array.from({ length: 40 }, (_, seed) =>
        strictFifoEnd(
          draw(seed, 256).map(resources => at(0, ...resources)),
          slots,
          500,
        ),
      );
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length / 1_000;
    expect(mean(ends(1))).to.equal(128);
    expect(mean(ends(4))).to.be.closeTo(32.1, 0.2);
    expect(mean(ends(16))).to.be.closeTo(9.1, 0.5);
    expect(mean(ends(64))).to.be.closeTo(8, 0.5);
  });

  it('names of all blockers only the last one on each resource', () => {
    expect(blockersOf([['a', 'b'], ['a'], ['a', 'b'], ['c']])).to.deep.equal([[], [0], [1, 0], []]);
  });
});
