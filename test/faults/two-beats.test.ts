import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import { v7 } from 'uuid';

import { Beat, type BeatDeps } from '../../src/beat/beat.js';
import type { Ticks } from '../../src/beat/ticks.js';
import { DEFAULT_TIMING } from '../../src/core/timing.js';
import { Acceptor } from '../../src/dispatch/accept.js';
import { Events } from '../../src/dispatch/events.js';
import { Hints } from '../../src/dispatch/hints.js';
import { prepare } from '../../src/dispatch/submission.js';
import { silentLog } from '../../src/process/log.js';
import { system } from '../../src/process/system.js';
import type { LeaseStore, Store } from '../../src/store/store.js';
import { mongoUnderTest } from '../contract/store/mongo-under-test.js';
import { loopbackBroker } from '../support/loopback-broker.js';
import { until } from '../support/wait.js';

const SCHEDULES = 8;
const RUNS = 25;
/** So short that there is something due whenever they look. */
const INTERVAL_MS = 40;
/** There is nobody else here. */
const ALONE = /^No [\w-]+ is running/;
const LOOK_MS = 10;
/** Between the task of a slot and the next step of its schedule: the other one finds what is decided, and does it once more. */
const GAP_MS = 20;
const KEPT = { completed: 0, failed: 0, canceled: 0, skipped: 0, results: 0 };

/** Gives its lease to whoever asks: what one database never does. */
const generous: LeaseStore = {
  acquire: (name, { name: holder, incarnation }) => Promise.resolve({ name, holder, incarnation, epoch: 1, fence: 0, floor: 0 }),
  renew: () => Promise.resolve(true),
  resign: () => Promise.resolve(),
  read: () => Promise.resolve(undefined),
};

/** Each looks again and again, whatever the other one does. */
const ticks: Ticks = {
  next: signal => system.timers.sleep(Math.random() * LOOK_MS, signal),
  stop: () => Promise.resolve(),
};

/** In this process, on a real database, each with a connection of its own. */
describe('two beats that both believe to lead', function () {
  this.timeout(180_000);
  const under = mongoUnderTest();
  const errors: string[] = [];
  const raced = { decided: 0, submitted: 0 };

  function beat(name: string, store: Store): Beat {
    const broker = loopbackBroker();
    const error = (message: string): void => {
      if (!ALONE.test(message)) errors.push(message);
    };
    const log = { ...silentLog, error };
    const hints = new Hints(broker, system.clock);
    const events = new Events({ broker, tasks: store.tasks, clock: system.clock, log });
    const acceptor = new Acceptor({ tasks: store.tasks, hints, events });
    const submit: BeatDeps['submit'] = async (body, schedule) => {
      const deps = { types: undefined, now: () => new Date(), newId: () => v7(), hash: (text: string) => text };
      const { task, replayed } = await acceptor.accept(
        await prepare(body, { principal: 'schedule', correlationId: name, schedule }, deps),
      );
      if (replayed) raced.submitted += 1;
      return { id: task.id };
    };
    const replace: Store['schedules']['replace'] = async wanted => {
      if (!wanted.pending) await sleep(GAP_MS);
      const stored = await store.schedules.replace(wanted);
      if (stored === 'changed') raced.decided += 1;
      return stored;
    };
    return new Beat({
      ...{ store: { ...store, leases: generous, schedules: { ...store.schedules, replace } }, broker, runtime: system, log },
      ...{ timing: DEFAULT_TIMING, name, incarnation: () => `${name}/1`, submit, ticks },
      ...{ onMissing: 'reassign' as const, retentionMs: 3_600_000, retention: KEPT },
    });
  }

  it(`make one task for each of ${RUNS} slots of ${SCHEDULES} schedules, and count each once`, async () => {
    const anchor = await under.store().schedules.now();
    const ids = Array.from({ length: SCHEDULES }, () => v7());
    for (const id of ids)
      await under.store().schedules.create({
        ...{ id, name: id, task: { name: 'tasks.add' }, rule: { kind: 'interval', intervalMs: INTERVAL_MS, anchor } },
        ...{ misfire: 'all', overlap: 'allow', remainingRuns: RUNS, nextAt: anchor },
        ...{ skipped: 0, countedFrom: anchor, revision: 1, version: 0 },
      });
    const beats = [beat('a', under.store()), beat('b', under.other())];
    await Promise.all(beats.map(each => each.start()));
    try {
      await until('both lead', () => beats.every(each => each.leading));
      await until(
        'no schedule has a slot left',
        async () => (await under.store().schedules.list(SCHEDULES)).every(({ nextAt, pending }) => !nextAt && !pending),
        { timeoutMs: 120_000 },
      );
      expect(
        beats.map(({ leading }) => leading),
        'both led until the end',
      ).to.deep.equal([true, true]);
    } finally {
      await Promise.all(beats.map(each => each.stop()));
    }
    const made = under.db().collection<{ schedule: { id: string; slot: Date } }>('tasks');
    for (const id of ids) {
      const slots = (await made.find({ 'schedule.id': id }).sort({ 'schedule.slot': 1 }).toArray()).map(
        ({ schedule: { slot } }) => (slot.getTime() - anchor.getTime()) / INTERVAL_MS,
      );
      expect(slots).to.deep.equal(Array.from({ length: RUNS }, (_, n) => n));
    }
    expect(errors).to.deep.equal([]);
    process.stdout.write(`      raced for ${raced.decided} decisions and ${raced.submitted} tasks\n`);
    expect(raced.decided, 'one of both came too late').to.be.above(0);
    expect(raced.submitted, 'both submitted the same slot').to.be.above(0);
  });
});
