import { expect } from 'chai';

import { Sweep, type SweepDeps } from '../../../src/beat/sweep.js';
import type { OnMissing, ProcessRecord } from '../../../src/core/process.js';
import type { Task } from '../../../src/core/task.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { Hints } from '../../../src/dispatch/hints.js';
import { silentLog, type Log } from '../../../src/process/log.js';
import type { JoinStore, ProcessStore, TaskStore, WaitStore } from '../../../src/store/store.js';
import { quietEvents } from '../../support/quiet-events.js';
import { VirtualTime } from '../../support/virtual-time.js';

type Methods = Partial<Omit<TaskStore, 'get' | 'list'> & Omit<ProcessStore, 'get'> & JoinStore & WaitStore>;

const process = (change: Partial<ProcessRecord>): ProcessRecord =>
  ({ name: 'w', role: 'worker', incarnation: 'i', beat: 1, state: 'live', beatAt: new Date(0), ...change }) as ProcessRecord;
const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `t${n}`);

/** A sweep over scripted answers that writes down what it asked for, in order. */
function setUp(answers: Methods = {}, onMissing: OnMissing = 'reassign') {
  const time = new VirtualTime();
  const asked: string[] = [];
  const errors: string[] = [];
  const known: Methods = {
    list: () => Promise.resolve([process({ role: 'resource-manager' }), process({ name: 'other' })]),
    activeOfTheDead: () => Promise.resolve({ tasks: [] }),
    due: () => Promise.resolve([]),
    expire: () => Promise.resolve([]),
    waiting: () => Promise.resolve([]),
    readyFor: () => Promise.resolve([]),
    forget: () => Promise.resolve([]),
    settle: () => Promise.resolve(true),
    cancelAssigned: () => Promise.resolve([]),
    takeNumbers: () => Promise.resolve(1),
    awaiting: () => Promise.resolve([]),
    earliestLapseMs: () => Promise.resolve(undefined),
    ...answers,
  };
  const spied = Object.fromEntries(
    Object.entries(known).map(([name, answer]) => [
      name,
      (...given: unknown[]) => (asked.push(name), (answer as (...given: unknown[]) => unknown)(...given)),
    ]),
  );
  const log: Log = { ...silentLog, error: message => void errors.push(message) };
  const broker = {
    publish: () => Promise.resolve('confirmed' as const),
    depth: () => Promise.resolve(undefined),
    broadcast: () => undefined,
  };
  const sweep = new Sweep({
    store: { tasks: spied, processes: spied, joins: spied, waits: spied },
    broker,
    hints: new Hints(broker, time.clock),
    events: quietEvents().events,
    runtime: time.runtime,
    log,
    timing: DEFAULT_TIMING,
    onMissing,
    retentionMs: 1_000,
    retention: { completed: 0, failed: 0, canceled: 0, skipped: 0, results: 0 },
    leading: () => true,
  } as unknown as SweepDeps);
  return { sweep, asked, errors, time };
}

const STEPS = ['list', 'activeOfTheDead', 'list', 'due', 'expire', 'waiting', 'awaiting', 'readyFor', 'forget'];

describe('a sweep', () => {
  it('takes its steps in order', async () => {
    const { sweep, asked, errors } = setUp();
    expect(await sweep.runOnce()).to.equal(DEFAULT_TIMING.sweepMs);
    expect(asked).to.deep.equal([...STEPS, 'earliestLapseMs']);
    expect(errors).to.deep.equal([]);
  });

  for (const broken of new Set(STEPS)) {
    it(`goes on with the others when ${broken} fails, says so, and comes again soon`, async () => {
      const { sweep, asked, errors } = setUp({ [broken]: () => Promise.reject(new Error('away')) });
      expect(await sweep.runOnce()).to.be.at.most(1_000);
      expect(asked).to.deep.equal(STEPS);
      const failures = errors.filter(error => error.startsWith('Sweep: '));
      expect(failures).to.have.length(broken === 'list' ? 2 : 1);
    });
  }

  it('makes all ready whose delay is over, page after page', async () => {
    const pages = [500, 500, 20];
    const numbers: number[] = [];
    const { sweep, asked } = setUp({
      due: () => Promise.resolve(ids(pages.shift() ?? 0).map(id => ({ id, waitingFor: 'delay' as const, holds: false }))),
      takeNumbers: count => (numbers.push(count), Promise.resolve(1)),
      promote: due => Promise.resolve(due.map(({ id }) => ({ id, state: 'canceled' }) as Task)),
    });
    expect(await sweep.runOnce()).to.equal(DEFAULT_TIMING.sweepMs);
    expect(numbers).to.deep.equal([500, 500, 20]);
    expect(asked.filter(each => each === 'promote')).to.have.length(3);
  });

  it('does not spin on due tasks that it cannot move', async () => {
    const { sweep, asked } = setUp({
      due: () => Promise.resolve(ids(500).map(id => ({ id, waitingFor: 'delay' as const, holds: false }))),
      promote: () => Promise.resolve([]),
    });
    await sweep.runOnce();
    expect(asked.filter(each => each === 'promote')).to.have.length(1);
  });

  it('lets those that kept their resources go on without a number', async () => {
    const { sweep, asked } = setUp({
      due: () => Promise.resolve([{ id: 'a', waitingFor: 'retry' as const, holds: true }]),
      resume: due => Promise.resolve(due.map(({ id }) => ({ id, state: 'canceled' }) as Task)),
    });
    await sweep.runOnce();
    expect(asked).to.include('resume').and.not.include.members(['takeNumbers']);
  });

  it('breaks off a flood after half a sweep, for the other steps, and comes again at once', async () => {
    const flood = setUp({
      expire: async () => {
        await flood.time.advance(DEFAULT_TIMING.sweepMs / 4);
        return ids(500).map(id => ({ id }));
      },
    });
    expect(await flood.sweep.runOnce()).to.equal(DEFAULT_TIMING.sweepMs / 25);
    expect(flood.asked.filter(each => each === 'expire')).to.have.length(2);
    expect(flood.asked).to.include('forget');
  });

  it('settles every missing process once, with what was assigned to workers canceled first where the setting says so', async () => {
    const records = [
      process({ name: 'live' }),
      process({ name: 'gone', state: 'missing' }),
      process({ name: 'api', role: 'api', state: 'missing' }),
      process({ name: 'done', state: 'missing', settled: true }),
      process({ name: 'stopped', state: 'stopped' }),
    ];
    const done: string[] = [];
    const answers: Methods = {
      list: () => Promise.resolve(records),
      cancelAssigned: ({ name }) => {
        done.push(`cancel ${name}`);
        return Promise.resolve(done.length < 3 ? [{ id: 't' }] : []);
      },
      settle: name => (done.push(`settle ${name}`), Promise.resolve(true)),
    };
    await setUp(answers, 'cancelAssigned').sweep.runOnce();
    expect(done).to.deep.equal(['cancel gone', 'cancel gone', 'cancel gone', 'settle gone', 'settle api']);
    done.length = 0;
    await setUp(answers).sweep.runOnce();
    expect(done).to.deep.equal(['settle gone', 'settle api']);
  });

  it('does not settle a worker whose assigned tasks it could not cancel', async () => {
    const { sweep, asked } = setUp(
      {
        list: () => Promise.resolve([process({ state: 'missing' })]),
        cancelAssigned: () => Promise.reject(new Error('away')),
      },
      'cancelAssigned',
    );
    await sweep.runOnce();
    expect(asked).to.include('cancelAssigned').and.not.include('settle');
  });
});
