import { expect } from 'chai';

import type { OnMissing, ProcessRecord } from '../../../src/core/process.js';
import { Hints } from '../../../src/dispatch/hints.js';
import { silentLog } from '../../../src/process/log.js';
import { Term } from '../../../src/process/term.js';
import { Book } from '../../../src/resource-manager/book.js';
import { Roster } from '../../../src/resource-manager/roster.js';
import type { LineTask } from '../../../src/store/store.js';
import { VirtualTime } from '../../support/virtual-time.js';

const worker = (name: string, queues: string[]): ProcessRecord =>
  ({ name, role: 'worker', state: 'live', queues, dedicated: queues.length === 0, slots: 1 }) as unknown as ProcessRecord;

/** One granted task, bound to a worker that is gone, and whoever is live. */
function setUp(
  assignment: 'late' | 'eager',
  queue: string,
  onMissing: OnMissing = 'reassign',
  bound: 'gone' | 'nobody' = 'gone',
) {
  const state = { live: [] as ProcessRecord[], bound: bound === 'nobody' ? undefined : (bound as string | undefined) };
  const row = (): LineTask =>
    ({
      ...{ id: 't', seq: 1, name: 'n', queue, priority: 4, exclusive: ['r'], shared: [], state: 'waiting', waitingFor: 'worker' },
      ...{
        maxAttempts: 1,
        createdAt: new Date(),
        grant: { fence: 1, epoch: 1, at: new Date(), ...(state.bound !== undefined && { worker: state.bound }) },
      },
    }) as unknown as LineTask;
  const book = new Book(silentLog, new VirtualTime().clock);
  book.apply(row());
  const lease = { name: 'resource-manager' as const, holder: 'h', incarnation: 'i', epoch: 1, fence: 1, floor: 0 };
  const term = new Term(lease, { clock: new VirtualTime().clock, trustMs: 10_000 }, 0);
  const roster = new Roster(
    {
      processes: { list: () => Promise.resolve(state.live) },
      tasks: { byIds: () => Promise.resolve([row()]) },
      hints: new Hints(
        { publish: () => Promise.resolve('confirmed'), depth: () => Promise.resolve(undefined), broadcast: () => undefined },
        new VirtualTime().clock,
      ),
      log: silentLog,
      grants: {
        unbind: (_lease, keeping, { to, unbound }) => {
          if (state.bound === undefined ? !unbound : keeping.includes(state.bound)) return Promise.resolve([]);
          state.bound = to;
          return Promise.resolve(['t']);
        },
      },
    },
    { assignment, onMissing },
  );
  return { state, refresh: () => roster.refresh(term, book), roster };
}

describe('the roster of workers', () => {
  it('keeps a binding while nobody could take the task, so that the next dedicated worker gets it', async () => {
    const { state, refresh } = setUp('late', 'default');
    await refresh();
    expect(state.bound).to.equal('gone');
    state.live = [worker('reserved-resource-worker-2', [])];
    await refresh();
    expect(state.bound).to.equal('reserved-resource-worker-2');
  });

  it('lets any worker of the queue take it when late', async () => {
    const { state, refresh } = setUp('late', 'default');
    state.live = [worker('w', ['default'])];
    await refresh();
    expect(state.bound).to.equal(undefined);
  });

  it('moves it to a worker that serves its queue when eager', async () => {
    const { state, refresh } = setUp('eager', 'gpu');
    state.live = [worker('cpu', ['default']), worker('gpu2', ['gpu'])];
    await refresh();
    expect(state.bound).to.equal('gpu2');
  });

  it('leaves what was assigned to a missing worker until that is settled, where it may be canceled', async () => {
    const gone = (change: Partial<ProcessRecord>): ProcessRecord => ({ ...worker('gone', ['default']), ...change });
    const { state, refresh } = setUp('eager', 'default', 'cancelAssigned');
    state.live = [gone({ state: 'missing' }), worker('w', ['default'])];
    await refresh();
    expect(state.bound, 'not settled').to.equal('gone');
    state.live = [gone({ state: 'missing', settled: true }), worker('w', ['default'])];
    await refresh();
    expect(state.bound, 'settled').to.equal('w');
  });

  it('moves what was assigned to a worker that stopped, or that is missing where nothing is canceled, at once', async () => {
    for (const [onMissing, state] of [
      ['cancelAssigned', 'stopped'],
      ['reassign', 'missing'],
    ] as const) {
      const set = setUp('eager', 'default', onMissing);
      set.state.live = [{ ...worker('gone', ['default']), state }, worker('w', ['default'])];
      await set.refresh();
      expect(set.state.bound, state).to.equal('w');
    }
  });

  it('binds what was granted while nobody lived to a dedicated worker, who would never take it, but to nobody else', async () => {
    for (const assignment of ['late', 'eager'] as const) {
      const { state, refresh } = setUp(assignment, 'default', 'reassign', 'nobody');
      state.live = [worker('w', ['default']), worker('reserved-resource-worker-1', [])];
      await refresh();
      expect(state.bound, assignment).to.equal(undefined);
      state.live = [worker('elsewhere', ['other']), worker('reserved-resource-worker-1', [])];
      await refresh();
      expect(state.bound, assignment).to.equal('reserved-resource-worker-1');
    }
  });

  it('binds nothing to a paused worker, and moves nothing away from it; a drained one loses what it has not started', async () => {
    const { state, refresh, roster } = setUp('eager', 'default');
    const gone = worker('gone', ['default']);
    state.live = [{ ...gone, paused: true }];
    await refresh();
    expect(roster.assign({ queue: 'default', name: 'n' })).to.equal(undefined);
    state.live.push(worker('w', ['default']));
    await refresh();
    expect(state.bound, 'paused').to.equal('gone');
    state.live = [{ ...gone, paused: true, draining: true }];
    await refresh();
    expect(state.bound, 'drained, and nobody else').to.equal('gone');
    state.live.push(worker('w', ['default']));
    await refresh();
    expect(state.bound, 'drained').to.equal('w');
  });

  it('binds to whoever has the type, and moves what is bound to one that has not', async () => {
    const { state, refresh, roster } = setUp('eager', 'default');
    const old = { ...worker('gone', ['default']), types: ['n', 'other@1'] };
    state.live = [
      { ...old, types: ['other'] },
      { ...worker('w', ['default']), types: ['n@2'] },
    ];
    await refresh();
    expect(state.bound).to.equal('w');
    expect(roster.assign({ queue: 'default', name: 'n', version: 2 })).to.equal('w');
    expect(roster.assign({ queue: 'default', name: 'n', version: 3 })).to.equal(undefined);
  });

  it('asks again who lives before a grant when it knew of nobody, eager', async () => {
    const { state, refresh, roster } = setUp('eager', 'default');
    await refresh();
    state.live = [worker('w', ['default'])];
    expect(roster.assign({ queue: 'default', name: 'n' })).to.equal(undefined);
    await roster.seekWorkers();
    expect(roster.assign({ queue: 'default', name: 'n' })).to.equal('w');
  });
});
