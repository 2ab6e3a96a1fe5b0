import { expect } from 'chai';

import type { Destination } from '../../../src/broker/broker.js';
import type { Task } from '../../../src/core/task.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { silentLog } from '../../../src/process/log.js';
import type { TaskStore } from '../../../src/store/store.js';
import { ClaimLoop } from '../../../src/worker/claim-loop.js';
import { OwnTasks } from '../../../src/worker/own-tasks.js';
import { calmExchange, connected } from '../../simulation/broker/calm.js';
import { familiarWith } from '../../support/familiar.js';
import { startBest } from '../../support/start-best.js';
import { quietEvents } from '../../support/quiet-events.js';
import { VirtualTime } from '../../support/virtual-time.js';

const QUEUE: Destination = { to: 'queue', queue: 'default' };
const SLOTS = 2;
const TASKS = 200;

/** A worker with a backlog: `hinted` of its tasks have their ticket in the queue. Each runs for `ms`. */
async function setUp(ms: number, hinted: number, lagMs = 1) {
  const time = new VirtualTime();
  const { timers } = time.runtime;
  const exchange = calmExchange(time, lagMs);
  const broker = await connected(exchange, time, 'w');
  const waiting = Array.from({ length: TASKS }, (_, seq): Task => {
    return { id: `t${seq}`, seq, priority: 4, attempt: 0, state: 'waiting' } as Task;
  });
  const hint = ({ id }: Task): void => void broker.publish({ kind: 'start', task: id }, QUEUE);
  waiting.slice(0, hinted).forEach(hint);
  await time.advance(100);
  const tasks: Pick<TaskStore, 'claimable' | 'start'> = {
    claimable: ({ limit }) => Promise.resolve(waiting.slice(0, limit)),
    start: starts => Promise.resolve(new Set(waiting.splice(0, starts.length).map(({ id }) => id))),
  };
  const loop = new ClaimLoop({
    tasks: { ...tasks, startBest: startBest(tasks), giveBack: () => Promise.resolve(true) },
    own: new OwnTasks(),
    events: quietEvents().events,
    hints: { start: () => undefined, changed: () => undefined },
    intake: { sources: [QUEUE], broker },
    familiar: familiarWith(time.runtime.clock),
    runtime: time.runtime,
    log: silentLog,
    timing: DEFAULT_TIMING,
    worker: 'w',
    queues: ['default'],
    slots: SLOTS,
    incarnation: () => 'i',
    run: () => ({ ended: timers.sleep(ms), recorded: timers.sleep(ms) }),
  });
  await loop.start();
  return { time, loop, waiting, hint, messages: () => exchange.messages(QUEUE) };
}

describe('the tickets of a backlog', () => {
  for (const [ms, lagMs] of [
    [100, 1],
    [1_900, 1],
    [3_000, 1],
    [60_000, 1],
    [3_000, 300],
  ] as const) {
    it(`are used up as fast as its tasks are started, with tasks of ${ms / 1_000} s and a broker of ${lagMs} ms`, async () => {
      const { time, loop, waiting, messages } = await setUp(ms, TASKS, lagMs);
      while (waiting.length > 0) {
        await time.advance(ms / 2);
        const runnable = waiting.length + loop.busy;
        expect(messages(), `${waiting.length} wait`).to.be.within(waiting.length - SLOTS, runnable + 2 * SLOTS);
      }
      await Promise.all([loop.stop(), time.advance(2 * ms)]);
    });
  }

  it('are not waited for where the broker takes longer than the tasks, and never more than 100 are still to come', async () => {
    const { time, loop, waiting, messages } = await setUp(10, TASKS, 50);
    for (let n = 0; n < 40; n++) {
      await time.advance(50);
      expect(messages()).to.be.at.most(waiting.length + loop.busy + 100);
    }
    expect(waiting).to.have.length(0);
    await Promise.all([loop.stop(), time.advance(1_000)]);
  });

  for (const ms of [20, 1_000, 4_000]) {
    it(`are not missed: without any, each slot is filled again at once, with tasks of ${ms / 1_000} s`, async () => {
      const { time, loop, waiting } = await setUp(ms, 0);
      await time.advance(2_000 + ms * (TASKS / SLOTS) * 1.05);
      expect(waiting).to.have.length(0);
      await Promise.all([loop.stop(), time.advance(2 * ms)]);
    });

    it(`are used up again when they come back, with tasks of ${ms / 1_000} s`, async () => {
      const { time, loop, waiting, hint, messages } = await setUp(ms, 0);
      while (waiting.length > TASKS / 2) await time.advance(ms);
      waiting.forEach(hint);
      while (waiting.length > 0) {
        await time.advance(ms);
        expect(messages(), `${waiting.length} wait`).to.be.at.most(waiting.length + loop.busy + 2 * SLOTS);
      }
      await Promise.all([loop.stop(), time.advance(2 * ms)]);
    });
  }

  it('are not missed when they come in a trickle: the others are found by query', async () => {
    const { time, loop, waiting, hint } = await setUp(1_000, 0);
    await time.advance(DEFAULT_TIMING.claimIdleMs);
    for (let second = 0; second < (TASKS / SLOTS) * 1.05; second++) {
      const [next] = waiting;
      if (next) hint(next);
      await time.advance(1_000);
    }
    expect(waiting).to.have.length(0);
    await Promise.all([loop.stop(), time.advance(2_000)]);
  });
});
