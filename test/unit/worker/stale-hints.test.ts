import { expect } from 'chai';

import type { Count } from '../../../src/core/counts.js';
import type { State } from '../../../src/core/state.js';
import { StaleHints } from '../../../src/worker/stale-hints.js';

describe('Hints for nothing', () => {
  function setUp(states: Record<string, State>, fails = false) {
    const asked: string[][] = [];
    const counted: [Count, number | undefined][] = [];
    const joins = {
      states: (ids: readonly string[]) => {
        asked.push([...ids]);
        if (fails) return Promise.reject(new Error('no answer'));
        return Promise.resolve(new Map(ids.flatMap(id => (states[id] === undefined ? [] : [[id, states[id]] as const]))));
      },
    };
    return { stale: new StaleHints(joins, (what, n) => counted.push([what, n])), asked, counted };
  }

  it('are counted once each, by one question: of tasks that have ended, and of unknown ones', async () => {
    const { stale, asked, counted } = setUp({ done: 'completed', runs: 'running', waits: 'waiting' });
    stale.note(['done', 'runs', 'gone', 'waits']);
    stale.note(['gone', 'gone']);
    await stale.look();
    await stale.look();
    expect(asked).to.deep.equal([['done', 'runs', 'gone', 'waits']]);
    expect(counted).to.deep.equal([
      ['hintsEnded', 1],
      ['hintsUnknown', 3],
    ]);
  });

  it('ask for 500 tasks at most, however many are named', async () => {
    const { stale, asked, counted } = setUp({});
    stale.note(Array.from({ length: 2_000 }, (_, n) => `forged-${n}`));
    await stale.look();
    expect(asked.map(({ length }) => length)).to.deep.equal([500]);
    expect(counted).to.have.length(500);
  });

  it('are forgotten when the database does not answer: nothing depends on them', async () => {
    const { stale, counted } = setUp({}, true);
    stale.note(['gone']);
    await stale.look();
    expect(counted).to.deep.equal([]);
  });
});
