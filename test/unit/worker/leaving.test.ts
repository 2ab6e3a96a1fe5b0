import { expect } from 'chai';

import type { Task } from '../../../src/core/task.js';
import type { Stage } from '../../../src/core/wish.js';
import { silentLog } from '../../../src/process/log.js';
import { Leaving } from '../../../src/worker/leaving.js';
import { VirtualTime } from '../../support/virtual-time.js';

const GRACE_MS = 10_000;

/** One body that ends so long after it was asked to, or when it is killed. */
function setUp({ heedsMs = 500, trusted = (): boolean => true } = {}) {
  const time = new VirtualTime();
  const seen: string[] = [];
  let open = 1;
  const at = (what: string): void => void seen.push(`${what} ${time.clock.monotonicMs()}`);
  const leaving = new Leaving({
    pool: {
      cancel: () => {
        at('cancel');
        void time.runtime.timers.sleep(heedsMs).then(() => (open = 0));
      },
      stop: () => {
        at('stop');
        open = 0;
        return Promise.resolve();
      },
    },
    own: { running: [{ id: 't' } as Task] },
    open: () => open,
    trusted,
    runtime: time.runtime,
    log: silentLog,
    graceMs: GRACE_MS,
  });
  const run = async (...stages: (readonly [Stage, number])[]): Promise<string[]> => {
    const over = leaving.run().then(() => at('over'));
    for (const [stage, afterMs] of stages) {
      await time.advance(afterMs);
      leaving.hasten(stage);
    }
    await time.advance(120_000);
    await over;
    return seen;
  };
  return { run, leaving, end: () => (open = 0), time };
}

describe('the end of a worker', () => {
  it('waits for what runs, then asks it to end', async () => {
    expect(await setUp().run()).to.deep.equal(['cancel 10000', 'stop 10500', 'over 10500']);
  });

  it('asks at once when it is hastened, also before it has begun, and never goes back', async () => {
    expect(await setUp().run(['soft', 1_950], ['warm', 100])).to.deep.equal(['cancel 2000', 'stop 2500', 'over 2500']);
    const early = setUp();
    early.leaving.hasten('soft');
    expect(await early.run()).to.deep.equal(['cancel 0', 'stop 500', 'over 500']);
  });

  it('kills when it is hastened again, and asks nobody where it is to kill at once', async () => {
    expect(await setUp({ heedsMs: 60_000 }).run(['soft', 950], ['cold', 1_000])).to.deep.equal([
      'cancel 1000',
      'stop 2000',
      'over 2000',
    ]);
    expect(await setUp().run(['cold', 950])).to.deep.equal(['stop 1000', 'over 1000']);
  });

  it('stops waiting when the heartbeat is not good any more', async () => {
    let good = true;
    const { run, time } = setUp({ heedsMs: 3_600_000, trusted: () => good });
    void time.runtime.timers.sleep(GRACE_MS + 5_000).then(() => (good = false));
    expect(await run()).to.deep.equal(['cancel 10000', 'stop 15000', 'over 15000']);
  });
});
