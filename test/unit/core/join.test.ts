import { expect } from 'chai';

import { cycleIn } from '../../../src/core/cycle.js';
import { judgeJoin } from '../../../src/core/join.js';
import type { State } from '../../../src/core/state.js';

describe('the join of a task with those that it comes after', () => {
  const cases: [join: Parameters<typeof judgeJoin>[0], states: (State | undefined)[], verdict: ReturnType<typeof judgeJoin>][] = [
    ['all-success', ['completed', 'completed'], 'ready'],
    ['all-success', ['completed', 'running'], 'wait'],
    ['all-success', ['running', 'failed'], 'skip'],
    ['all-success', ['completed', 'skipped'], 'skip'],
    ['all-success', ['completed', undefined], 'skip'],
    ['all-final', ['failed', 'canceled', 'skipped', 'completed'], 'ready'],
    ['all-final', ['failed', 'canceling'], 'wait'],
    ['all-final', ['failed', undefined], 'ready'],
    ['any-success', ['waiting', 'completed'], 'ready'],
    ['any-success', ['failed', 'waiting'], 'wait'],
    ['any-success', ['failed', 'canceled'], 'skip'],
    ['any-success', [undefined], 'skip'],
  ];
  for (const [join, states, verdict] of cases) {
    it(`${join} of ${states.map(state => state ?? 'gone').join(', ')}: ${verdict}`, () => {
      expect(judgeJoin(join, states)).to.equal(verdict);
    });
  }
});

describe('a cycle in a workflow', () => {
  const find = (after: Record<string, string[]>): string[] | undefined => cycleIn(new Map(Object.entries(after)));

  it('is not there where every task can come in turn', () => {
    expect(find({ a: [], b: ['a'], c: ['a', 'b'], d: ['c', 'b'] })).to.equal(undefined);
    expect(find({ a: ['nobody'] })).to.equal(undefined);
  });

  it('is named, from the task to itself', () => {
    expect(find({ a: ['a'] })).to.deep.equal(['a', 'a']);
    expect(find({ x: [], a: ['x', 'c'], b: ['a'], c: ['b'] })).to.deep.equal(['a', 'c', 'b', 'a']);
    expect(find({ entry: ['a'], a: ['b'], b: ['a'] })).to.deep.equal(['a', 'b', 'a']);
  });

  it('is found in a chain as long as a workflow can be', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
    const after = Object.fromEntries(names.map((name, index) => [name, index === 0 ? [] : [names[index - 1]!]]));
    expect(find(after)).to.equal(undefined);
    expect(find({ ...after, t0: ['t999'] })).to.have.length(1_001);
  });
});
