import { expect } from 'chai';

import { byRank, LEVEL_MS, rankOf } from '../../../src/core/priority.js';

const NOON = Date.UTC(2026, 0, 1, 12);
const waiting = (priority: number, minutesAgo: number, seq = 1) => ({
  rank: rankOf(priority, new Date(NOON - minutesAgo * 60_000)),
  seq,
});
const first = (...tasks: { rank?: number; seq: number }[]) => tasks.indexOf(tasks.toSorted(byRank)[0]!);

describe('who starts first', () => {
  it('is the higher priority', () => {
    expect(first(waiting(4, 10), waiting(9, 0))).to.equal(1);
    expect(first(waiting(0, 1), waiting(1, 0))).to.equal(1);
  });

  it('is the lower number among equals', () => {
    expect(first(waiting(4, 0, 8), waiting(4, 0, 7))).to.equal(1);
  });

  it('is whoever has waited a quarter of an hour longer for each level of the difference', () => {
    expect(LEVEL_MS).to.equal(15 * 60_000);
    expect(first(waiting(0, 9 * 15 - 1), waiting(9, 0)), 'not yet').to.equal(1);
    expect(first(waiting(0, 9 * 15 + 1), waiting(9, 0)), 'now').to.equal(0);
  });

  it('is a task of an earlier version, which has no rank', () => {
    expect(first(waiting(9, 600), { seq: 3 }, { seq: 2 })).to.equal(2);
  });
});
