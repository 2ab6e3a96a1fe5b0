import { expect } from 'chai';

import { Walk } from '../../../src/resource-manager/walk.js';

/** Two sets of numbers, and what was asked of the one that is far away. */
function setUp(there: Iterable<number>, here: Iterable<number>) {
  const asked: number[] = [];
  const far = [...there].sort((a, b) => a - b);
  const near = [...here].map(number => [number, `id ${number}`] as const);
  const walk = new Walk(
    (after, limit) => {
      asked.push(after);
      return Promise.resolve(far.filter(number => number > after).slice(0, limit));
    },
    () => near,
  );
  return { walk, asked };
}
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe('A walk through two sets of numbers', () => {
  it('tells what only one of them has', async () => {
    const { walk, asked } = setUp([1, 2, 4], [1, 3, 4, 9]);
    expect(await walk.next(5)).to.deep.equal({ gone: ['id 3', 'id 9'], strange: [2] });
    expect(asked, 'once round').to.deep.equal([0]);
  });

  it('finds nothing in two that are empty', async () => {
    expect(await setUp([], []).walk.next(3)).to.deep.equal({ gone: [], strange: [] });
  });

  it('takes a sample after the other, so that all of them had their turn', async () => {
    const { walk, asked } = setUp(upTo(2_500), [...upTo(2_400), 9_999]);
    const rounds = [await walk.next(0), await walk.next(0), await walk.next(0)];
    expect(rounds.map(({ gone }) => gone)).to.deep.equal([[], [], ['id 9999']]);
    expect(rounds[2]?.strange).to.have.length(100);
    await walk.next(0);
    expect(asked).to.deep.equal([0, 1_000, 2_000, 0]);
  });

  it('goes once round from where it stands, and no further than so many pages', async () => {
    const { walk, asked } = setUp(upTo(25_000), upTo(25_000));
    await walk.next(0);
    await walk.next(9);
    expect(asked).to.deep.equal([0, 1_000, 11_000, 21_000, 0]);
    await walk.next(1);
    expect(asked.at(-1)).to.equal(10_000);
  });

  it('ends its round also where the last page is the one that it began in', async () => {
    const { walk, asked } = setUp(upTo(1_500), upTo(1_500));
    await walk.next(0);
    await walk.next(9);
    expect(asked).to.deep.equal([0, 1_000, 0]);
  });
});
