import { expect } from 'chai';

import type { TimeLimits } from '../../../../src/core/task.js';
import type { ChildRun } from '../../../../src/worker/children/child-run.js';
import { TimeKeeper } from '../../../../src/worker/children/time-keeper.js';
import { VirtualTime } from '../../../support/virtual-time.js';

describe('the time limits of the starts of a pool', () => {
  let time: VirtualTime;
  let said: string[];

  beforeEach(() => {
    time = new VirtualTime();
    said = [];
  });

  function watched(keeper: TimeKeeper, name: string, timeLimits: TimeLimits | undefined): ChildRun {
    const run = { job: { task: { timeLimits } }, reportedAtMs: -Infinity } as unknown as ChildRun;
    keeper.watch(run, {
      ask: limitMs => said.push(`${name} asked at ${time.clock.monotonicMs()} (${limitMs})`),
      end: ({ code }) => said.push(`${name} ended at ${time.clock.monotonicMs()}: ${code}`),
    });
    return run;
  }

  it('ask at the soft one and end at the hard one, each once', async () => {
    watched(new TimeKeeper(time.runtime, 0), 'a', { softMs: 1_000, hardMs: 3_000 });
    await time.advance(10_000);
    expect(said).to.deep.equal(['a asked at 1000 (1000)', 'a ended at 3000: TIME_LIMIT']);
  });

  it('are each for its own start, whichever came first', async () => {
    const keeper = new TimeKeeper(time.runtime, 0);
    watched(keeper, 'late', { hardMs: 5_000 });
    await time.advance(500);
    watched(keeper, 'early', { hardMs: 1_000 });
    await time.advance(10_000);
    expect(said).to.deep.equal(['early ended at 1500: TIME_LIMIT', 'late ended at 5000: TIME_LIMIT']);
  });

  it('mean nothing any more once the start has ended, and the next one begins anew', async () => {
    const keeper = new TimeKeeper(time.runtime, 0);
    keeper.forget(watched(keeper, 'a', { hardMs: 1_000 }));
    await time.advance(700);
    watched(keeper, 'b', { hardMs: 1_000 });
    await time.advance(10_000);
    expect(said).to.deep.equal(['b ended at 1700: TIME_LIMIT']);
  });

  it('end what reports no progress for so long', async () => {
    const run = watched(new TimeKeeper(time.runtime, 0), 'a', { stallMs: 1_000 });
    await time.advance(900);
    run.reportedAtMs = time.clock.monotonicMs();
    await time.advance(900);
    expect(said).to.deep.equal([]);
    await time.advance(10_000);
    expect(said).to.deep.equal(['a ended at 1900: STALLED']);
  });

  it('are those of the deployment where a task has no hard one of its own', async () => {
    const keeper = new TimeKeeper(time.runtime, 2_000);
    watched(keeper, 'none', undefined);
    watched(keeper, 'soft', { softMs: 500 });
    watched(keeper, 'own', { hardMs: 9_000 });
    await time.advance(20_000);
    expect(said).to.have.members([
      'none ended at 2000: TIME_LIMIT',
      'soft asked at 500 (500)',
      'soft ended at 2000: TIME_LIMIT',
      'own ended at 9000: TIME_LIMIT',
    ]);
  });

  it('reach farther than a timer', async () => {
    watched(new TimeKeeper(time.runtime, 0), 'a', { hardMs: 40 * 86_400_000 });
    await time.advance(40 * 86_400_000 - 1);
    expect(said).to.deep.equal([]);
    await time.advance(1);
    expect(said).to.have.length(1);
  });
});
