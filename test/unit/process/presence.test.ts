import { expect } from 'chai';

import { StoreError } from '../../../src/core/errors.js';
import type { ProcessRecord } from '../../../src/core/process.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { silentLog } from '../../../src/process/log.js';
import { Presence, type PresenceDeps } from '../../../src/process/presence.js';
import { NameHeld } from '../../../src/process/registration.js';
import type { Beaten } from '../../../src/store/processes.js';
import { VirtualTime } from '../../support/virtual-time.js';

const identity = {
  name: 'w',
  role: 'worker' as const,
  host: 'h',
  bootId: 'b',
  pidNamespace: 'p',
  pid: 1,
  startTicks: 2,
  queues: [],
  dedicated: false,
  slots: 1,
  versions: { interlock: '0', node: '20' },
};

function holder(change: Partial<ProcessRecord> = {}): ProcessRecord {
  const now = new Date();
  return {
    ...identity,
    pid: 99,
    incarnation: 'other',
    beat: 5,
    state: 'live',
    leaseUntil: now,
    startedAt: now,
    beatAt: now,
    ...change,
  };
}

/** A database with one record, scripted by the test, that writes down what happens in which order. */
function setUp(options: { held?: ProcessRecord; provedGone?: boolean } = {}) {
  const time = new VirtualTime();
  const events: string[] = [];
  const db: { held: ProcessRecord | undefined; beats: () => Promise<Beaten | undefined> } = {
    held: options.held,
    beats: () => Promise.resolve({}),
  };
  const deps: PresenceDeps = {
    processes: {
      register: process => {
        events.push(`register ${process.incarnation}`);
        const held = db.held?.state === 'live' || (db.held?.state === 'missing' && !db.held.settled);
        return Promise.resolve(db.held && held ? { kind: 'held', by: db.held } : { kind: 'registered' });
      },
      beat: () => db.beats(),
      wish: () => Promise.resolve(false),
      stop: () => (events.push('stop'), Promise.resolve(true)),
      declareMissing: (process, { lapsed }) => {
        const matches = db.held?.beat === process.beat;
        events.push(`declare missing ${matches ? '' : 'in vain '}${lapsed ? 'if lapsed' : 'as proved'}`);
        if (db.held && matches) db.held = { ...db.held, state: 'missing' };
        return Promise.resolve(matches);
      },
      settle: (_name, incarnation) => {
        events.push(`settle ${incarnation}`);
        if (db.held) db.held = { ...db.held, settled: true };
        return Promise.resolve(true);
      },
      forget: () => Promise.resolve([]),
      get: () => Promise.resolve(db.held),
      list: () => Promise.resolve([]),
      earliestLapseMs: () => Promise.resolve(undefined),
    },
    runtime: time.runtime,
    log: silentLog,
    timing: DEFAULT_TIMING,
    identity,
    provedGone: () => options.provedGone ?? false,
    endChildren: () => (events.push('end children'), Promise.resolve()),
    endTasks: () => (events.push('end tasks'), Promise.resolve()),
    onBeat: () => undefined,
    onLost: () => (events.push('lost'), Promise.resolve()),
  };
  return { time, events, db, presence: new Presence(deps) };
}

describe('registration', () => {
  it('ends children first and tasks second when the former holder is proved dead', async () => {
    const { presence, events } = setUp({ held: holder(), provedGone: true });
    await presence.start();
    expect(events).to.deep.equal([
      'register uuid-1',
      'end children',
      'declare missing as proved',
      'register uuid-1',
      'end tasks',
      'settle other',
      'register uuid-1',
    ]);
    await presence.stop();
  });

  it('refuses a name whose holder moves its counter, and names host and pid', async () => {
    const { presence, events, db, time } = setUp({ held: holder() });
    const failed = presence.start().then(
      () => undefined,
      (error: unknown) => error,
    );
    await time.advance(4_000);
    db.held = holder({ beat: 6 });
    await time.advance(2_000);
    const error = await failed;
    expect(error).to.be.instanceOf(NameHeld);
    expect((error as NameHeld).message).to.contain('host h, pid 99');
    expect(events).to.not.include('end tasks');
  });

  it('takes a name whose holder cannot be proved dead only after it watched the counter stand still', async () => {
    const { presence, events, time } = setUp({ held: holder() });
    const started = presence.start();
    await time.advance(21_000);
    expect(events).to.deep.equal(['register uuid-1']);
    await time.advance(6_000);
    await started;
    expect(events.slice(1)).to.deep.equal([
      'declare missing if lapsed',
      'register uuid-1',
      'end tasks',
      'settle other',
      'register uuid-1',
    ]);
    await presence.stop();
  });

  it('ends what a missing process left, whoever declared it missing, before it takes the name', async () => {
    const { presence, events } = setUp({ held: holder({ state: 'missing' }) });
    await presence.start();
    expect(events).to.deep.equal(['register uuid-1', 'end tasks', 'settle other', 'register uuid-1']);
    await presence.stop();
  });

  it('takes the name of one that is settled at once', async () => {
    const { presence, events } = setUp({ held: holder({ state: 'missing', settled: true }) });
    await presence.start();
    expect(events).to.deep.equal(['register uuid-1']);
    await presence.stop();
  });
});

describe('the heartbeat', () => {
  it('fences itself when none has succeeded for 20 s, children first, and comes back as somebody new', async () => {
    const { presence, events, db, time } = setUp();
    await presence.start();
    const before = presence.incarnation;
    db.beats = () => Promise.reject(new StoreError('away', 'unknown'));
    await time.advance(19_999);
    expect(presence.trusted).to.equal(true);
    await time.advance(10_000);
    expect(events.slice(1, 3)).to.deep.equal(['lost', 'register uuid-2']);
    db.beats = () => Promise.resolve({});
    expect(presence.incarnation).to.not.equal(before);
    await presence.stop();
  });

  it('is not trusted any more after 20 s even while a heartbeat hangs', async () => {
    const { presence, db, time } = setUp();
    await presence.start();
    let answer: (mine: object) => void = () => undefined;
    db.beats = () => new Promise(resolve => (answer = resolve));
    await time.advance(20_000);
    expect(presence.trusted).to.equal(false);
    answer({});
    await presence.stop();
  });

  it('fences itself at once when the database no longer knows it as live', async () => {
    const { presence, events, db, time } = setUp();
    await presence.start();
    db.beats = () => Promise.resolve(undefined);
    await time.advance(5_000);
    expect(events).to.include('lost');
    await presence.stop();
  });

  it('says goodbye once, and only when it is registered', async () => {
    const { presence, events } = setUp();
    await presence.stop();
    expect(events).to.deep.equal([]);
    const other = setUp();
    await other.presence.start();
    await other.presence.stop();
    await other.presence.stop();
    expect(other.events.filter(event => event === 'stop')).to.have.length(1);
  });

  it('comes soon when it is asked for, also while one is under way, but not more than ten times a second', async () => {
    const { presence, db, time } = setUp();
    let beats = 0;
    db.beats = () => Promise.resolve((beats += 1) > 0 ? {} : {});
    await presence.start();
    await time.advance(10);
    const before = beats;
    presence.beatSoon();
    await time.advance(200);
    expect(beats).to.equal(before + 1);
    for (let n = 0; n < 1_000; n += 1) {
      presence.beatSoon();
      await time.advance(1);
    }
    expect(beats - before).to.be.within(5, 12);
    const stopped = presence.stop();
    await time.advance(10_000);
    await stopped;
  });
});
