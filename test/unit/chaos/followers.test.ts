import { expect } from 'chai';

import { untold, type Told } from '../../chaos/followers.js';

describe('What followers of events were told', () => {
  const ended = (id: string, atMs: number) => ({ id, state: 'completed' as const, finishedAt: new Date(atMs) });
  const told = (ends: string[], excusedUntil: number): Told => ({
    api: '',
    ends: new Set(ends),
    excusedUntil,
    events: 0,
    resyncs: 0,
  });

  it('lacks an end that came after the last word of a gap, and no other', () => {
    const tasks = [
      ended('early', 10_000),
      ended('late', 20_000),
      ended('told', 20_000),
      { id: 'open', state: 'running' as const },
    ];
    expect(untold(tasks, told(['told'], 15_000))).to.deep.equal(['late']);
    expect(untold(tasks, told(['told', 'late'], 15_000))).to.deep.equal([]);
    expect(untold(tasks, told([], 19_000))).to.deep.equal([]);
  });
});
