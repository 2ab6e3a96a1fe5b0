import { expect } from 'chai';

import { Deadlocks } from '../../../src/beat/deadlocks.js';
import type { Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import type { Store } from '../../../src/store/store.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { acceptOne, granted, lead, reserving, startAll } from '../../contract/store/support.js';
import { quietEvents } from '../../support/quiet-events.js';

describe('a sweep for deadlocks', () => {
  let store: Store;
  let told: string[];
  let asked: string[];
  let deadlocks: Deadlocks;

  beforeEach(() => {
    store = simulatedStore(new SimulatedDatabase(() => new Date()));
    told = [];
    asked = [];
    const line = (resource: string, limit: number): ReturnType<Store['tasks']['line']> => (
      asked.push(resource),
      store.tasks.line(resource, limit)
    );
    deadlocks = new Deadlocks({
      waits: store.waits,
      capacities: store.capacities,
      tasks: { ...store.tasks, line },
      hints: { changed: ids => void told.push(...ids), ended: ({ id }) => void told.push(`ended ${id}`) },
      events: quietEvents().events,
      log: silentLog,
    });
  });

  /** Two parents that hold one resource each, and wait for children that wait for the other's. */
  async function embraced(): Promise<{ parents: Task[]; children: Task[]; tokens: string[] }> {
    const parents = await granted(store, await lead(store), reserving(['a']), reserving(['b']));
    const tokens = [await startAll(store, [parents[0]!]), await startAll(store, [parents[1]!])];
    const child = (resource: string, parent: Task): Promise<Task> =>
      acceptOne(store, reserving([resource], [], { parent: parent.id }));
    const children = [await child('b', parents[0]!), await child('a', parents[1]!)];
    for (const at of [0, 1]) await store.waits.await({ id: parents[at]!.id, token: tokens[at]!, n: 1 }, [children[at]!.id]);
    return { parents, children, tokens };
  }

  const stateOf = async ({ id }: Task): Promise<string | undefined> => (await store.tasks.get(id))?.state;

  it('fails the newest child that waits, once the cycle has stood through two looks, and tells why', async () => {
    const { parents, children } = await embraced();
    await deadlocks.runOnce();
    expect(await stateOf(children[1]!)).to.equal('waiting');
    await deadlocks.runOnce();
    const victim = (await store.tasks.get(children[1]!.id))!;
    expect(victim).to.include({ state: 'failed' });
    expect(victim.error?.code).to.equal('DEADLOCK');
    const [p, q] = parents.map(({ id }) => id);
    const [c, d] = children.map(({ id }) => id);
    expect(victim.error?.message).to.match(/^It would have waited for ever, and so would others: task /);
    for (const id of [p, q, c, d]) expect(victim.error?.message).to.contain(`${id} (repository.sync)`);
    for (const name of ['a', 'b']) expect(victim.error?.message).to.contain(`waits for "${name}"`);
    expect(told).to.deep.equal([d, `ended ${d}`]);
    await deadlocks.runOnce();
    await deadlocks.runOnce();
    expect(await stateOf(children[0]!), 'the other one goes on some day').to.equal('waiting');
  });

  it('leaves alone what has moved between two looks', async () => {
    const { parents, children, tokens } = await embraced();
    await deadlocks.runOnce();
    await store.waits.await({ id: parents[0]!.id, token: tokens[0]!, n: 2 }, []);
    await deadlocks.runOnce();
    await store.waits.await({ id: parents[0]!.id, token: tokens[0]!, n: 3 }, [children[0]!.id]);
    await deadlocks.runOnce();
    expect(await stateOf(children[1]!)).to.equal('waiting');
    await deadlocks.runOnce();
    expect(await stateOf(children[1]!)).to.equal('failed');
  });

  it('finds nothing where a wait ends by itself', async () => {
    const [parent] = await granted(store, await lead(store), reserving(['a']));
    const token = await startAll(store, [parent!]);
    const child = await acceptOne(store, reserving(['b']));
    await store.waits.await({ id: parent!.id, token, n: 1 }, [child.id]);
    for (let look = 0; look < 3; look++) await deadlocks.runOnce();
    expect(await stateOf(child)).to.equal('waiting');
    expect(told).to.deep.equal([]);
  });

  it('asks one question where nobody waits for others', async () => {
    await granted(store, await lead(store), reserving(['a']));
    await acceptOne(store, reserving(['a']));
    await deadlocks.runOnce();
    expect(asked).to.deep.equal([]);
  });
});
