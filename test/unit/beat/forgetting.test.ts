import { expect } from 'chai';

import { Forgetting } from '../../../src/beat/forgetting.js';
import type { Retention } from '../../../src/core/retention.js';
import type { FinalState } from '../../../src/core/state.js';
import { silentLog } from '../../../src/process/log.js';
import type { EndedPage } from '../../../src/store/store.js';
import { VirtualTime } from '../../support/virtual-time.js';

const FOR_EVER: Retention = { completed: 0, failed: 0, canceled: 0, skipped: 0, results: 0 };
const NOW = new Date(1_000_000);
const place = (n: number) => ({ finishedAt: new Date(n), id: `t${n}` });
const page = (n: number, full: boolean): EndedPage => ({ done: 1, kept: 0, last: place(n), full });

/** A store with so many pages of each kind, each of which takes 100 ms; it writes down what it was asked for. */
function setUp(change: Partial<Retention>, pages: Partial<Record<FinalState | 'results', number>> = {}) {
  const time = new VirtualTime();
  const asked: string[] = [];
  const told: string[] = [];
  const left = { ...pages };
  let served = 0;
  const next = async (what: FinalState | 'results', endedBefore: Date, after: { id: string } | undefined): Promise<EndedPage> => {
    asked.push(`${what} ${NOW.getTime() - endedBefore.getTime()} ${after?.id ?? 'from the beginning'}`);
    await time.advance(100);
    const some = (left[what] ?? 0) > 0;
    if (!some) return { done: 0, kept: 0, full: false };
    left[what] = left[what]! - 1;
    return page(++served, left[what] > 0);
  };
  const forgetting = new Forgetting({
    store: {
      retention: {
        purge: ({ state, endedBefore, after }) => next(state, endedBefore, after),
        purgeThese: () => Promise.reject(new Error('a beat does not name tasks')),
        expireResults: ({ endedBefore, after }) => next('results', endedBefore, after),
        removeEmptyGroups: (createdBefore, _limit, after) => {
          asked.push(`groups ${NOW.getTime() - createdBefore.getTime()} ${after ?? 'from the beginning'}`);
          return Promise.resolve({ removed: 0, full: false });
        },
      },
      schedules: { now: () => Promise.resolve(NOW) } as never,
    },
    clock: time.clock,
    log: { ...silentLog, info: message => void told.push(message) },
    retention: { ...FOR_EVER, ...change },
    sweepMs: 5_000,
  });
  return { time, asked, told, forgetting };
}

describe('forgetting what ended long ago', () => {
  it('asks for nothing where all is kept for ever', async () => {
    const { asked, forgetting } = setUp({});
    await forgetting.runOnce();
    expect(asked).to.deep.equal([]);
  });

  it('looks at each state by its own age, at results by theirs, and at groups by the longest', async () => {
    const { asked, forgetting } = setUp({ completed: 10, failed: 30, results: 5 });
    await forgetting.runOnce();
    expect(asked.sort()).to.deep.equal([
      'completed 10 from the beginning',
      'failed 30 from the beginning',
      'groups 30 from the beginning',
      'results 5 from the beginning',
    ]);
  });

  it('goes on where it stopped, and tells what it did', async () => {
    const { asked, told, forgetting } = setUp({ failed: 30 }, { failed: 2 });
    await forgetting.runOnce();
    await forgetting.runOnce();
    const ofTasks = asked.filter(each => each.startsWith('failed'));
    expect(ofTasks).to.deep.equal(['failed 30 from the beginning', 'failed 30 t1', 'failed 30 t2']);
    expect(told).to.deep.equal(['Forgot what ended long ago: 2 failed tasks.']);
  });

  it('takes a fifth of the time at most, and lets the others go first the next time', async () => {
    const { asked, forgetting } = setUp({ completed: 10, failed: 30 }, { completed: 1_000, failed: 1_000 });
    await forgetting.runOnce();
    expect(asked.length).to.be.within(9, 11);
    expect(asked.every(each => each.startsWith('completed'))).to.equal(true);
    const before = asked.length;
    await forgetting.runOnce();
    expect(asked.slice(before).every(each => each.startsWith('failed'))).to.equal(true);
  });

  it('begins anew after ten minutes, for what was held back', async () => {
    const { time, asked, forgetting } = setUp({ failed: 30 }, { failed: 1 });
    await forgetting.runOnce();
    await time.advance(599_000);
    await forgetting.runOnce();
    await time.advance(2_000);
    await forgetting.runOnce();
    const ofTasks = asked.filter(each => each.startsWith('failed'));
    expect(ofTasks).to.deep.equal(['failed 30 from the beginning', 'failed 30 t1', 'failed 30 from the beginning']);
  });
});
