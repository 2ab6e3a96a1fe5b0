import { expect } from 'chai';

import { createDueSlots } from '../../../src/beat/slots.js';
import { InterlockError, StoreError } from '../../../src/core/errors.js';
import { MISFIRE_GRACE_MS, resumed, stateOf, type Misfire, type Schedule } from '../../../src/core/schedule.js';
import type { State } from '../../../src/core/state.js';
import type { Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import type { ScheduleStore } from '../../../src/store/store.js';

const HOUR = 3_600_000;
const ANCHOR = new Date(Date.UTC(2026, 0));
const slot = (n: number): Date => new Date(ANCHOR.getTime() + n * HOUR);

/** A schedule of every hour whose first slot is due, a store of nothing else, and what was done with them. */
class Hourly {
  schedule: Schedule;
  now = slot(1);
  readonly tasks = new Map<string, { id: string; slot: Date; state: State }>();
  readonly deeds: string[] = [];
  readonly warnings: string[] = [];
  readonly infos: string[] = [];
  readonly errors: string[] = [];
  /** Thrown by the next submission of this slot, or by what comes after it. */
  refuse: (slot: Date) => Error | undefined = () => undefined;
  failSettling = false;

  constructor(change: Partial<Schedule> = {}) {
    const rule = { kind: 'interval', intervalMs: HOUR, anchor: ANCHOR } as const;
    this.schedule = {
      ...{ id: 's', name: 'hourly', task: {}, rule, misfire: 'one', overlap: 'allow', nextAt: slot(1), createdAt: ANCHOR },
      ...{ skipped: 0, countedFrom: ANCHOR, revision: 1, version: 0 },
      ...change,
    };
  }

  get slots(): number[] {
    return [...this.tasks.values()].map(task => (task.slot.getTime() - ANCHOR.getTime()) / HOUR);
  }

  end(id: string, state: State): void {
    this.tasks.set(id, { ...this.tasks.get(id)!, state });
  }

  beat(): Promise<void> {
    const byLatest = () => [...this.tasks.values()].sort((a, b) => b.slot.getTime() - a.slot.getTime());
    const replace: ScheduleStore['replace'] = wanted => {
      if (this.failSettling && this.schedule.pending && !wanted.pending) return Promise.reject(new StoreError('away', 'refused'));
      if (wanted.version !== this.schedule.version) return Promise.resolve('changed');
      this.schedule = { ...wanted, version: wanted.version + 1 };
      return Promise.resolve(this.schedule);
    };
    return createDueSlots(
      {
        schedules: {
          due: () =>
            Promise.resolve({ now: this.now, schedules: [this.schedule].filter(each => each.nextAt && each.nextAt <= this.now) }),
          replace,
        },
        tasks: {
          get: id => Promise.resolve(this.tasks.get(id) as Task | undefined),
          runsOf: (_id, after, limit) =>
            Promise.resolve(
              byLatest()
                .filter(run => run.slot > after)
                .slice(0, limit),
            ),
        },
        submit: (_body, { slot: wanted }) => {
          const error = this.refuse(wanted);
          if (error) return Promise.reject(error);
          const id = `t${wanted.getTime()}`;
          if (!this.tasks.has(id)) this.tasks.set(id, { id, slot: wanted, state: 'running' });
          this.deeds.push(`submit ${id}`);
          return Promise.resolve({ id });
        },
        cancel: id => (this.deeds.push(`cancel ${id}`), Promise.resolve()),
        log: {
          ...silentLog,
          warn: message => void this.warnings.push(message),
          info: message => void this.infos.push(message),
          error: message => void this.errors.push(message),
        },
      },
      () => true,
    );
  }
}

describe('the slots of a schedule that passed while no beat was up', () => {
  const expected: [Misfire, number[], warning: RegExp | undefined][] = [
    ['one', [3], /"hourly": 2 slots passed/],
    ['all', [1, 2, 3], undefined],
    ['skip', [], /"hourly": 3 slots passed .*misfire skip/],
  ];
  for (const [misfire, slots, warning] of expected) {
    it(`make ${slots.length} tasks by the policy "${misfire}", and those that make none are counted aloud`, async () => {
      const hourly = new Hourly({ misfire });
      hourly.now = new Date(slot(3).getTime() + MISFIRE_GRACE_MS + 1);
      await hourly.beat();
      expect(hourly.slots).to.deep.equal(slots);
      expect(hourly.schedule.nextAt).to.deep.equal(slot(4));
      expect(hourly.schedule).not.to.have.property('pending');
      expect(hourly.warnings).to.have.length(warning ? 1 : 0);
      if (warning) expect(hourly.warnings[0]).to.match(warning);
    });
  }

  it('stay due when the database is away in the middle, with the next look of any beat', async () => {
    const hourly = new Hourly({ misfire: 'all' });
    hourly.now = slot(3);
    hourly.refuse = wanted => (wanted.getTime() === slot(2).getTime() ? new StoreError('away', 'unknown') : undefined);
    await hourly.beat();
    expect(hourly.slots).to.deep.equal([1]);
    expect(hourly.errors).to.have.length(1);
    expect(hourly.schedule.nextAt).to.deep.equal(slot(1));
    hourly.refuse = () => undefined;
    await hourly.beat();
    expect(hourly.slots).to.deep.equal([1, 2, 3]);
    expect(hourly.schedule.nextAt).to.deep.equal(slot(4));
  });

  it('are decided once: a beat that dies before it moves on leaves its decision to the next one', async () => {
    const hourly = new Hourly({ remainingRuns: 2 });
    hourly.failSettling = true;
    await hourly.beat();
    expect([hourly.slots, hourly.schedule.remainingRuns]).to.deep.equal([[1], 1]);
    hourly.failSettling = false;
    hourly.now = slot(3); // one that decided anew would take the slot of now, and have made two
    await hourly.beat();
    expect([hourly.slots, hourly.schedule.remainingRuns]).to.deep.equal([[1], 1]);
    expect(hourly.schedule.nextAt).to.deep.equal(slot(2));
  });

  it('that are refused are put off, further each time, and come as soon as they can', async () => {
    const hourly = new Hourly();
    hourly.refuse = () => new InterlockError('UNKNOWN_TASK_TYPE', 'gone');
    const delays: number[] = [];
    for (let n = 0; n < 8; n++) {
      await hourly.beat();
      delays.push((hourly.schedule.nextAt!.getTime() - hourly.now.getTime()) / 1_000);
      hourly.now = hourly.schedule.nextAt!;
    }
    expect(delays).to.deep.equal([1, 2, 4, 8, 16, 32, 60, 60]);
    hourly.refuse = () => undefined;
    await hourly.beat();
    expect(hourly.slots).to.deep.equal([1]);
    expect(hourly.schedule.nextAt).to.deep.equal(slot(2));
  });
});

describe('a schedule', () => {
  it('with remaining runs makes that many tasks and ends', async () => {
    const hourly = new Hourly({ remainingRuns: 3, misfire: 'all' });
    await hourly.beat();
    expect([hourly.slots, hourly.schedule.remainingRuns]).to.deep.equal([[1], 2]);
    hourly.now = slot(9);
    await hourly.beat();
    expect([hourly.slots, hourly.schedule.remainingRuns]).to.deep.equal([[1, 2, 3], 0]);
    expect(stateOf(hourly.schedule)).to.equal('ended');
  });

  it('that skips makes no task while the last one is open, counts that and says it', async () => {
    const hourly = new Hourly({ overlap: 'skip', remainingRuns: 5 });
    await hourly.beat();
    hourly.now = slot(2);
    await hourly.beat();
    expect(hourly.slots).to.deep.equal([1]);
    expect(hourly.schedule).to.deep.include({ skipped: 1, remainingRuns: 4, nextAt: slot(3) });
    expect(hourly.infos[0]).to.match(/02:00:00.000Z makes no task, as task t\d+ is still open/);
    hourly.end(hourly.schedule.lastTask!.id, 'completed');
    hourly.now = slot(3);
    await hourly.beat();
    expect([hourly.slots, hourly.schedule.skipped]).to.deep.equal([[1, 3], 1]);
  });

  it('that cancels ends the last task before it makes the next', async () => {
    const hourly = new Hourly({ overlap: 'cancel' });
    await hourly.beat();
    const first = hourly.schedule.lastTask!.id;
    hourly.now = slot(2);
    await hourly.beat();
    const second = hourly.schedule.lastTask!.id;
    expect(hourly.deeds).to.deep.equal([`submit ${first}`, `cancel ${first}`, `submit ${second}`]);
    hourly.end(second, 'failed');
    hourly.now = slot(3);
    await hourly.beat();
    expect(hourly.deeds.filter(deed => deed.startsWith('cancel'))).to.have.length(1);
  });

  it('is paused by failed runs in a row, which a success and a resume begin anew', async () => {
    const hourly = new Hourly({ failureThreshold: 2 });
    const run = async (n: number, state: State): Promise<void> => {
      hourly.now = slot(n);
      await hourly.beat();
      hourly.end(hourly.schedule.lastTask!.id, state);
    };
    for (const [n, state] of ['failed', 'completed', 'failed', 'canceled', 'failed'].entries()) await run(n + 1, state as State);
    const last = hourly.schedule.lastTask!.id;
    await run(6, 'failed');
    expect(hourly.slots).to.deep.equal([1, 2, 3, 4, 5]);
    expect(stateOf(hourly.schedule)).to.equal('paused');
    expect(hourly.schedule.paused?.reason).to.equal(`2 runs in a row have failed, the last of them task ${last}.`);
    expect(hourly.warnings[0]).to.contain('is paused: 2 runs');
    hourly.schedule = resumed(hourly.schedule, slot(6));
    for (const n of [7, 8, 9]) await run(n, 'failed');
    expect(hourly.slots).to.deep.equal([1, 2, 3, 4, 5, 7, 8]);
  });
});
