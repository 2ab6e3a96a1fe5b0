import { expect } from 'chai';

import { setMaxListeners } from 'node:events';

import { StoreError } from '../../../src/core/errors.js';
import type { NewTask } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import type { WaitStore } from '../../../src/store/store.js';
import { Awaits } from '../../../src/worker/awaiting/awaits.js';
import type { StartWaits } from '../../../src/worker/awaiting/start-waits.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { acceptOne, newTask, startAll } from '../../contract/store/support.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

/** A worker's waits over a simulated store; places that note what is done with them. */
function setUp({ maxAwaiting = 10, waits: change = {} }: { maxAwaiting?: number; waits?: Partial<WaitStore> } = {}) {
  const time = new VirtualTime();
  const store = simulatedStore(new SimulatedDatabase(() => time.clock.wall()));
  const done: string[] = [];
  const awaits = new Awaits({
    waits: {
      ...store.waits,
      await: (start, tasks) => (done.push(tasks.length > 0 ? 'note' : 'clear'), store.waits.await(start, tasks)),
      ...change,
    },
    joins: store.joins,
    capacities: store.capacities,
    tasks: store.tasks,
    pool: { setAwaiting: (_id, waits) => void done.push(waits ? 'suspend' : 'resume') },
    runtime: time.runtime,
    log: silentLog,
    maxAwaiting,
    trusted: () => true,
  });
  const begin = async (wish = newTask()): Promise<{ id: string; token: string; waits: StartWaits; admit: () => void }> => {
    const task = await acceptOne(store, wish);
    const token = await startAll(store, [task]);
    let admit = (): void => undefined;
    const waits = awaits.begin(
      { task, token, incarnation: 'i' },
      {
        leave: () => void done.push('leave'),
        comeBack: () => (done.push('ask'), new Promise(resolve => (admit = resolve))),
        comeBackNow: () => {
          done.push('back');
          admit();
        },
      },
    );
    return { id: task.id, token, waits, admit: () => admit() };
  };
  const child = async (more: Partial<NewTask> = {}): Promise<{ id: string; end: () => Promise<void> }> => {
    const task = await acceptOne(store, newTask(more));
    const token = await startAll(store, [task]);
    const end = async (): Promise<void> => {
      await store.tasks.finish([{ id: task.id, token, outcome: { kind: 'completed', result: task.id } }]);
    };
    return { id: task.id, end };
  };
  return { time, store, awaits, done, begin, child };
}

const never = new AbortController().signal;
setMaxListeners(0, never);

/** What has become of a promise. */
function seen<T>(promise: Promise<T>): { value?: T; error?: Error } {
  const state: { value?: T; error?: Error } = {};
  promise.then(
    value => (state.value = value),
    (error: unknown) => (state.error = error as Error),
  );
  return state;
}

describe('a start that awaits others', () => {
  it('notes it, gives its slot back, and goes on with a slot when the end is told', async () => {
    const { awaits, store, done, begin, child } = setUp();
    const [start, c] = [await begin(), await child()];
    const outcome = seen(start.waits.outcomeOf(c.id, never));
    await settled();
    expect(done).to.deep.equal(['note', 'leave', 'suspend']);
    expect((await store.tasks.get(start.id))?.awaiting).to.deep.equal([c.id]);
    awaits.ended([c.id]);
    await settled();
    expect(outcome, 'a message proves nothing').to.deep.equal({});
    await c.end();
    awaits.ended([c.id]);
    await settled();
    expect(done.slice(3)).to.deep.equal(['ask', 'clear']);
    expect(outcome, 'not without a slot').to.deep.equal({});
    start.admit();
    await settled();
    expect(done.slice(5)).to.deep.equal(['resume']);
    expect(outcome.value).to.deep.include({ id: c.id, state: 'completed', result: c.id });
    expect(await store.tasks.get(start.id)).not.to.have.property('awaiting');
  });

  it('finds out with the next heartbeat where nobody tells it', async () => {
    const { awaits, begin, child } = setUp();
    const [start, c] = [await begin(), await child()];
    const outcome = seen(start.waits.outcomeOf(c.id, never));
    await settled();
    await c.end();
    await awaits.look();
    await settled();
    start.admit();
    await settled();
    expect(outcome.value?.state).to.equal('completed');
  });

  it('keeps its slot for what has ended already', async () => {
    const { done, begin, child } = setUp();
    const [start, c] = [await begin(), await child()];
    await c.end();
    expect(await start.waits.outcomeOf(c.id, never)).to.include({ state: 'completed' });
    expect(done).to.deep.equal([]);
  });

  it('is suspended once for several, hears of each as it ends, and of the last with a slot', async () => {
    const { awaits, done, begin, child } = setUp();
    const start = await begin();
    const children = [await child(), await child(), await child()];
    const outcomes = children.map(({ id }) => seen(start.waits.outcomeOf(id, never)));
    await settled();
    for (const c of [children[1]!, children[0]!]) {
      await c.end();
      awaits.ended([c.id]);
      await settled();
    }
    expect(outcomes.map(({ value }) => value?.state)).to.deep.equal(['completed', 'completed', undefined]);
    expect(done.filter(what => what !== 'note')).to.deep.equal(['leave', 'suspend']);
    await children[2]!.end();
    await awaits.look();
    await settled();
    start.admit();
    await settled();
    expect(outcomes[2]!.value?.state).to.equal('completed');
    expect(done.filter(what => what !== 'note')).to.have.members(['leave', 'suspend', 'ask', 'clear', 'resume']);
  });

  it('goes on at once when nobody waits any more, whether a slot is free or not', async () => {
    const { store, done, begin, child } = setUp();
    const [start, c] = [await begin(), await child()];
    const left = new AbortController();
    const outcome = seen(start.waits.outcomeOf(c.id, left.signal));
    await settled();
    left.abort();
    await settled();
    expect(done.slice(3)).to.include('back').and.to.include('resume').and.to.include('clear');
    expect(await store.tasks.get(start.id)).not.to.have.property('awaiting');
    expect(outcome, 'nobody listens').to.deep.equal({});
  });

  it('also when it has left while it waited for its slot', async () => {
    const { awaits, done, begin, child } = setUp();
    const [start, c] = [await begin(), await child()];
    const left = new AbortController();
    void start.waits.outcomeOf(c.id, left.signal);
    await settled();
    await c.end();
    awaits.ended([c.id]);
    await settled();
    expect(done).to.include('ask');
    left.abort();
    await settled();
    expect(done.slice(-2)).to.deep.equal(['back', 'resume']);
  });

  it('is refused where as many wait as may, and asked again when one goes on', async () => {
    const { awaits, begin, child } = setUp({ maxAwaiting: 1 });
    const [first, second, c] = [await begin(), await begin(), await child()];
    void first.waits.outcomeOf(c.id, never);
    await settled();
    expect(seen(second.waits.outcomeOf(c.id, never))).to.deep.equal({});
    const refused = seen(second.waits.outcomeOf(c.id, never));
    await settled();
    expect(refused.error).to.include({ code: 'OVERLOADED' }).and.have.property('message').that.includes('maxAwaiting');
    first.waits.close();
    const other = await child();
    const outcome = seen(second.waits.outcomeOf(other.id, never));
    await settled();
    await other.end();
    await awaits.look();
    await settled();
    second.admit();
    await settled();
    expect(outcome.value?.state).to.equal('completed');
  });

  it('hears that there is no such task, and that its own start is over', async () => {
    const { store, begin, child } = setUp();
    const [start, c] = [await begin(), await child()];
    const missing = seen(start.waits.outcomeOf('nobody', never));
    await settled();
    expect(missing.error).to.include({ code: 'MISSING_RESOURCE' });
    await store.tasks.finish([{ id: start.id, token: start.token, outcome: { kind: 'canceled', reason: 'worker-lost' } }]);
    const over = seen(start.waits.outcomeOf(c.id, never));
    await settled();
    expect(over.error).to.include({ code: 'CONFLICT' });
  });

  it('waits through an outage of the database', async () => {
    let away = true;
    const failing = async (ask: () => Promise<unknown>): Promise<never> => {
      if (away) throw new StoreError('away', 'unknown');
      return (await ask()) as never;
    };
    const base = setUp();
    const { time, awaits, begin, child } = setUp({
      waits: { awaited: ids => failing(() => base.store.waits.awaited(ids)) },
    });
    const start = await begin();
    const c = await base.child();
    await child();
    const outcome = seen(start.waits.outcomeOf(c.id, never));
    await time.advance(10_000);
    expect(outcome).to.deep.equal({});
    away = false;
    await c.end();
    await time.advance(1_000);
    awaits.ended([c.id]);
    await settled();
    start.admit();
    await settled();
    expect(outcome.value?.state).to.equal('completed');
  });

  it('is refused a wait for its own end, the record taken back', async () => {
    const { store, done, begin } = setUp();
    const start = await begin();
    const outcome = seen(start.waits.outcomeOf(start.id, never));
    await settled();
    expect(outcome.error).to.include({ code: 'CONFLICT' });
    expect(outcome.error?.message).to.contain(`task ${start.id} (repository.sync) awaits ${start.id}`);
    expect(done).to.deep.equal(['note', 'clear']);
    expect(await store.tasks.get(start.id)).not.to.have.property('awaiting');
  });
});
