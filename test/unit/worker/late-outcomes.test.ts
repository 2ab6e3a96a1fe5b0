import { expect } from 'chai';

import type { Outcome } from '../../../src/core/outcome.js';
import { silentLog } from '../../../src/process/log.js';
import { LateOutcomes } from '../../../src/worker/late-outcomes.js';
import { VirtualTime } from '../../support/virtual-time.js';

const COMPLETED: Outcome = { kind: 'completed', result: 1 };
const start = (id: string) => ({ id, token: `token of ${id}` });

/** A store that answers as it is told, call after call; at last it keeps everything. */
function setUp(...answers: ('kept' | 'open' | 'void' | 'away')[]) {
  const time = new VirtualTime();
  const asked: string[] = [];
  const late = new LateOutcomes({
    tasks: {
      supersede: (id, token, { kind }) => {
        asked.push(`${id} ${token} ${kind}`);
        const answer = answers.shift() ?? 'kept';
        return answer === 'away' ? Promise.reject(new Error('away')) : Promise.resolve(answer);
      },
    },
    runtime: time.runtime,
    log: silentLog,
  });
  return { time, asked, late };
}

describe('outcomes that come too late', () => {
  it('are written once, by their token', async () => {
    const { time, asked, late } = setUp();
    expect(late.keep(start('a'), COMPLETED)).to.equal(true);
    await time.advance(60_000);
    expect(asked).to.deep.equal(['a token of a completed']);
    late.keep(start('b'), COMPLETED);
    await time.advance(0);
    expect(asked, 'and others after them').to.have.length(2);
  });

  it('are not written where the body came to no end of its own', async () => {
    const { time, asked, late } = setUp();
    expect(late.keep(start('a'), { kind: 'canceled', reason: 'worker-lost' })).to.equal(false);
    await time.advance(60_000);
    expect(asked).to.deep.equal([]);
  });

  it('wait until somebody has ended their start, or the store answers', async () => {
    const { time, asked, late } = setUp('open', 'away', 'open', 'kept');
    late.keep(start('a'), COMPLETED);
    await time.advance(60_000);
    expect(asked).to.have.length(4);
  });

  it('are given up where there is no such start', async () => {
    const { time, asked, late } = setUp('void');
    late.keep(start('a'), COMPLETED);
    await time.advance(60_000);
    expect(asked).to.have.length(1);
  });

  for (const answer of ['open', 'away'] as const) {
    it(`are given up after ten minutes of "${answer}"`, async () => {
      const { time, asked, late } = setUp(...Array.from({ length: 1_000 }, () => answer));
      late.keep(start('a'), COMPLETED);
      await time.advance(11 * 60_000);
      const tries = asked.length;
      expect(tries).to.be.within(10, 60);
      await time.advance(60 * 60_000);
      expect(asked).to.have.length(tries);
    });
  }

  it('are bounded, and dropped when their worker stops', async () => {
    const { time, asked, late } = setUp(...Array.from({ length: 1_000 }, () => 'open' as const));
    const kept = Array.from({ length: 300 }, (_, n) => late.keep(start(`t${n}`), COMPLETED));
    expect(kept.filter(Boolean)).to.have.length(200);
    late.stop();
    await time.advance(60_000);
    expect(asked.length).to.be.at.most(1);
    expect(late.keep(start('b'), COMPLETED)).to.equal(false);
  });
});
