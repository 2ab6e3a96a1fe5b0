import { expect } from 'chai';

import { FinalWaiter } from '../../../src/api/final-waiter.js';
import type { State } from '../../../src/core/state.js';
import { silentLog } from '../../../src/process/log.js';
import type { LineTask } from '../../../src/store/store.js';
import { VirtualTime, settled } from '../../support/virtual-time.js';

/** A waiter on virtual time, and tasks whose states the test sets. */
function stage() {
  const time = new VirtualTime();
  const states = new Map<string, State>();
  const queries: string[][] = [];
  let failing = false;
  const tasks = {
    byIds: (ids: readonly string[]): Promise<LineTask[]> => {
      queries.push([...ids]);
      if (failing) return Promise.reject(new Error('no database'));
      return Promise.resolve(ids.flatMap(id => (states.has(id) ? [{ id, state: states.get(id) } as LineTask] : [])));
    },
  };
  const waiter = new FinalWaiter({ tasks, runtime: time.runtime, log: silentLog });
  const never = new AbortController().signal;
  /** Starts a wait and tells whether it is over. */
  const wait = (id: string, ms = 60_000, gone: AbortSignal = never) => {
    const state = { over: false };
    void waiter.wait(id, ms, gone).then(() => (state.over = true));
    return state;
  };
  return { time, states, queries, waiter, wait, fail: (yes: boolean) => (failing = yes) };
}

describe('Waiting for tasks to end', () => {
  it('is over soon after the task is final', async () => {
    const { time, states, wait } = stage();
    states.set('a', 'running');
    const waiting = wait('a');
    await time.advance(5_000);
    expect(waiting.over).to.equal(false);
    states.set('a', 'completed');
    await time.advance(600);
    expect(waiting.over).to.equal(true);
  });

  it('is over when the task is gone', async () => {
    const { time, wait } = stage();
    const waiting = wait('deleted');
    await time.advance(200);
    expect(waiting.over).to.equal(true);
  });

  it('is over when its time is, and asks no more then', async () => {
    const { time, states, wait, queries } = stage();
    states.set('a', 'running');
    const waiting = wait('a', 2_000);
    await time.advance(2_100);
    expect(waiting.over).to.equal(true);
    const asked = queries.length;
    await time.advance(10_000);
    expect(queries).to.have.length(asked);
  });

  it('asks once for all that are due, ever more rarely', async () => {
    const { time, states, wait, queries } = stage();
    for (let n = 0; n < 500; n++) {
      states.set(`t${n}`, 'running');
      wait(`t${n}`);
    }
    await time.advance(10_000);
    expect(queries[0]).to.have.length(500);
    expect(queries.length).to.be.within(15, 30); // every 50 ms it would be 200
  });

  it('asks for a task once however many wait for it', async () => {
    const { time, states, wait, queries } = stage();
    states.set('a', 'running');
    wait('a');
    wait('a');
    await time.advance(100);
    expect(queries[0]).to.deep.equal(['a']);
  });

  it('is over when the client is gone', async () => {
    const { time, states, wait, queries } = stage();
    states.set('a', 'running');
    const gone = new AbortController();
    const waiting = wait('a', 60_000, gone.signal);
    await time.advance(100);
    gone.abort();
    await settled();
    expect(waiting.over).to.equal(true);
    const asked = queries.length;
    await time.advance(5_000);
    expect(queries).to.have.length(asked);
  });

  it('survives a database that does not answer for a while', async () => {
    const { time, states, wait, fail } = stage();
    states.set('a', 'failed');
    fail(true);
    const waiting = wait('a');
    await time.advance(5_000);
    expect(waiting.over).to.equal(false);
    fail(false);
    await time.advance(1_000);
    expect(waiting.over).to.equal(true);
  });

  it('has room for 1,000', async () => {
    const { waiter, wait, states } = stage();
    for (let n = 0; n < 999; n++) wait(`t${n}`);
    expect(() => waiter.assertRoom()).to.not.throw();
    states.set('t999', 'running');
    wait('t999');
    expect(() => waiter.assertRoom()).to.throw(/1000 requests wait/);
    waiter.release();
    await settled();
    expect(() => waiter.assertRoom()).to.not.throw();
  });

  it('lets everybody go when the server stops, and lets nobody in afterwards', async () => {
    const { states, wait, waiter } = stage();
    states.set('a', 'running');
    const before = wait('a');
    waiter.release();
    const after = wait('a');
    await settled();
    expect([before.over, after.over]).to.deep.equal([true, true]);
  });
});
