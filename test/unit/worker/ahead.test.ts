import { expect } from 'chai';

import type { Task } from '../../../src/core/task.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { silentLog } from '../../../src/process/log.js';
import type { TaskStore } from '../../../src/store/store.js';
import { ClaimLoop } from '../../../src/worker/claim-loop.js';
import { OwnTasks } from '../../../src/worker/own-tasks.js';
import { familiarWith } from '../../support/familiar.js';
import { startBest } from '../../support/start-best.js';
import { quietEvents } from '../../support/quiet-events.js';
import { VirtualTime } from '../../support/virtual-time.js';

const SLOTS = 2;
const CLAIM_MS = 20;

interface Plan {
  onWorkerLoss?: Task['onWorkerLoss'];
  /** Of each body, in milliseconds. */
  ms?: (seq: number) => number;
  /** The queue has a ticket for every task: as many are at hand as there are free slots, and no more. */
  tickets?: boolean;
}

/** A worker of two slots at a database that takes 20 ms for a claim; 200 tasks wait. */
function setUp({ onWorkerLoss = 'requeue', ms = () => 1, tickets = false }: Plan) {
  const time = new VirtualTime();
  const { timers, clock } = time.runtime;
  const own = new OwnTasks();
  const waiting = Array.from({ length: 200 }, (_, seq) => {
    return { id: `t${seq}`, seq, priority: 4, attempt: 0, onWorkerLoss, exclusive: [], shared: [] } as unknown as Task;
  });
  const seen = { started: 0, begun: [] as string[], given: [] as string[], ended: 0, most: 0, hinted: [] as string[] };
  let incarnation = 'i1';
  const tasks: Pick<TaskStore, 'claimable' | 'start'> = {
    claimable: async ({ limit }) => {
      await timers.sleep(CLAIM_MS);
      return waiting.slice(0, limit);
    },
    start: starts => {
      seen.started += starts.length;
      return Promise.resolve(new Set(waiting.splice(0, starts.length).map(({ id }) => id)));
    },
  };
  const giveBack = (id: string): Promise<boolean> => {
    seen.given.push(id);
    return Promise.resolve(true);
  };
  const loop = new ClaimLoop({
    tasks: { ...tasks, startBest: startBest(tasks), giveBack },
    own,
    events: quietEvents().events,
    hints: { start: ({ id }) => seen.hinted.push(id), changed: () => undefined },
    intake: {
      sources: tickets ? [{ to: 'queue', queue: 'default' }] : [],
      broker: {
        publish: () => Promise.resolve('confirmed'),
        consume: (_, first, onDelivery) => {
          let [prefetch, unacked] = [first, 0];
          const deliver = (): void => {
            if (unacked >= prefetch) return;
            unacked++;
            const ack = (): void => {
              unacked--;
              void timers.sleep(1).then(deliver);
            };
            onDelivery({ hint: { kind: 'start', task: 't' }, ack });
            deliver();
          };
          void timers.sleep(1).then(deliver);
          const setPrefetch = (count: number): void => {
            prefetch = count;
            deliver();
          };
          return { setPrefetch, close: () => Promise.resolve() };
        },
      },
    },
    familiar: familiarWith(time.runtime.clock),
    runtime: time.runtime,
    log: silentLog,
    timing: DEFAULT_TIMING,
    worker: 'w',
    queues: ['default'],
    slots: SLOTS,
    incarnation: () => incarnation,
    run: ({ task, token }) => {
      seen.begun.push(task.id);
      seen.most = Math.max(seen.most, seen.started - seen.ended);
      const lasts = ms(task.seq);
      const ended = (lasts === 0 ? Promise.resolve() : timers.sleep(lasts)).then(() => {
        seen.ended++;
      });
      return { ended, recorded: ended.then(() => own.forget(task.id, token)) };
    },
  });
  const stop = async (): Promise<void> => {
    const stopped = loop.stop();
    await time.advance(CLAIM_MS);
    await stopped;
  };
  return { time, clock, loop, own, waiting, seen, stop, fence: () => (incarnation = 'i2') };
}

describe('Claims ahead of slots', () => {
  it('keep the slots full while the database answers, as far as tasks are shorter than that', async () => {
    const took = async (plan: Plan): Promise<number> => {
      const { time, clock, loop, seen, stop } = setUp(plan);
      await loop.start();
      while (seen.ended < 200) await time.advance(5);
      await stop();
      return clock.monotonicMs();
    };
    // 100 tickets may be owed; that no more come is believed after a second, a quarter of what the others take.
    expect(await took({})).to.be.lessThan((await took({ onWorkerLoss: 'cancel' })) / 3);
    const atOnce = (): number => 0; // every slot is free again before the next claim is sent, and none ends during one
    expect(await took({ ms: atOnce })).to.be.lessThan((await took({ ms: atOnce, onWorkerLoss: 'cancel' })) * 0.6);
  });

  it('are made as well where a worker was idle and every slot gets its ticket', async () => {
    const took = async (plan: Plan): Promise<number> => {
      const { time, clock, loop, waiting, seen, stop } = setUp({ ...plan, tickets: true });
      const later = waiting.splice(0);
      await loop.start();
      await time.advance(500);
      waiting.push(...later);
      const from = clock.monotonicMs();
      while (seen.ended < 200) await time.advance(5);
      await stop();
      return clock.monotonicMs() - from;
    };
    expect(await took({})).to.be.lessThan((await took({ onWorkerLoss: 'cancel' })) / 4);
  });

  it('are made for no type that may not run again', async () => {
    const { time, loop, seen, stop } = setUp({ onWorkerLoss: 'cancel' });
    await loop.start();
    await time.advance(2_000);
    expect(seen.ended).to.be.greaterThan(50);
    expect(seen.most).to.equal(SLOTS);
    await stop();
  });

  it('are not made for tasks that last longer than a claim', async () => {
    const { time, loop, seen, stop } = setUp({ ms: () => 100 });
    await loop.start();
    await time.advance(3_000);
    expect(seen.ended).to.be.greaterThan(20);
    expect(seen.most).to.be.at.most(2 * SLOTS); // two slots may become free during one claim
    await stop();
  });

  it('begin in order', async () => {
    const { time, loop, seen, stop } = setUp({});
    await loop.start();
    await time.advance(1_000);
    expect(seen.begun).to.deep.equal(seen.begun.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))));
    await stop();
  });

  /** Short tasks first, so that some are claimed ahead, then two that keep the slots. */
  async function stuck() {
    const all = setUp({ ms: seq => (seq < 60 ? 1 : 600_000) });
    await all.loop.start();
    while (all.seen.begun.length < 62) await all.time.advance(1);
    await all.time.advance(CLAIM_MS);
    const next = all.seen.begun.length;
    expect(all.loop.isAhead(`t${next}`)).to.equal(true);
    return { ...all, next: `t${next}` };
  }

  it('are given back and announced when no slot becomes free for a second', async () => {
    const { time, loop, seen, stop, next } = await stuck();
    await time.advance(1_100);
    expect(loop.isAhead(next)).to.equal(false);
    await time.advance(1_000); // what was claimed meanwhile, as tickets for so many more were believed not to come
    expect(seen.given).to.include(next);
    expect(seen.given).to.have.length(seen.started - 62);
    expect(seen.hinted).to.deep.equal(seen.given);
    await stop();
  });

  it('are given back when the worker stops', async () => {
    const { seen, own, stop } = await stuck();
    await stop();
    expect(seen.given).to.have.length(seen.started - 62);
    expect(own.has(seen.given[0] ?? '', 'anything')).to.equal(false);
  });

  it('end at once when they are cancelled', async () => {
    const { time, loop, seen, stop, next } = await stuck();
    expect(loop.cancelAhead(next)).to.equal(true);
    expect(loop.cancelAhead(next)).to.equal(false);
    await time.advance(1);
    expect(seen.given).to.deep.equal([next]);
    await stop();
  });

  it('begin nothing any more when the worker was fenced meanwhile', async () => {
    const { time, loop, seen, stop, fence } = setUp({ ms: seq => (seq < 60 ? 1 : 500) });
    await loop.start();
    while (seen.begun.length < 62) await time.advance(1);
    await time.advance(CLAIM_MS);
    const old = seen.started;
    const before = seen.begun.length;
    expect(old).to.be.greaterThan(before);
    fence();
    await time.advance(900);
    expect(seen.begun.slice(before).every(id => Number(id.slice(1)) >= old)).to.equal(true);
    await stop();
  });
});
