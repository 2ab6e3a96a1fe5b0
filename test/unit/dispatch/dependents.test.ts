import { expect } from 'chai';

import type { State } from '../../../src/core/state.js';
import { Dependents } from '../../../src/dispatch/dependents.js';
import type { Hints } from '../../../src/dispatch/hints.js';
import { silentLog } from '../../../src/process/log.js';
import type { Dependent, JoinStore } from '../../../src/store/store.js';
import { quietEvents } from '../../support/quiet-events.js';
import { settled } from '../../support/virtual-time.js';

const follower = (id: string, ...after: string[]): Dependent => ({ id, seq: 1, after, join: 'all-success' });

/** A few members, and what is asked about them. */
function setUp(followers: Dependent[], states: Record<string, State>) {
  const asked: string[][] = [];
  const ready: string[] = [];
  const warnings: string[] = [];
  const { events, told } = quietEvents();
  let away = false;
  const joins: Partial<JoinStore> = {
    dependentsOf: ids => {
      asked.push([...ids]);
      return away
        ? Promise.reject(new Error('away'))
        : Promise.resolve(followers.filter(({ after }) => after.some(id => ids.includes(id))));
    },
    waiting: (seq, limit) => Promise.resolve(followers.filter(each => each.seq > seq).slice(0, limit)),
    states: ids => Promise.resolve(new Map(ids.flatMap(id => (states[id] ? [[id, states[id]] as const] : [])))),
    release: ids => {
      for (const id of ids) states[id] = 'running';
      return Promise.resolve(ids.map(id => ({ id }) as never));
    },
    skip: ids => {
      for (const id of ids) states[id] = 'skipped';
      return Promise.resolve([...ids]);
    },
  };
  const dependents = new Dependents({
    joins: joins as JoinStore,
    tasks: { takeNumbers: () => Promise.resolve(1) },
    hints: { ready: ({ id }: { id: string }) => void ready.push(id) } as unknown as Hints,
    events,
    log: { ...silentLog, warn: message => void warnings.push(message) },
  });
  return { dependents, states, asked, ready, warnings, told, leave: () => (away = true) };
}

describe('those that come after a task', () => {
  it('are made ready when its end was the last that they waited for', async () => {
    const { dependents, states, ready } = setUp([follower('c', 'a', 'b')], { a: 'completed', b: 'running', c: 'waiting' });
    dependents.ended(['a']);
    await settled();
    expect(ready).to.deep.equal([]);
    states.b = 'completed';
    dependents.ended(['b']);
    await settled();
    expect(ready).to.deep.equal(['c']);
  });

  it('are skipped when it failed, and so are those that come after them', async () => {
    const chain = [follower('b', 'a'), follower('c', 'b'), follower('d', 'c')];
    const { dependents, states, ready, told } = setUp(chain, { a: 'failed', b: 'waiting', c: 'waiting', d: 'waiting' });
    dependents.ended(['a']);
    await settled();
    expect(states).to.include({ b: 'skipped', c: 'skipped', d: 'skipped' });
    expect(told).to.deep.equal(['b', 'c', 'd']);
    expect(ready).to.deep.equal([]);
  });

  it('are looked at together for ends that come while a look is under way', async () => {
    const { dependents, asked } = setUp([], {});
    dependents.ended(['a']);
    for (const id of ['b', 'c', 'd']) dependents.ended([id]);
    await settled();
    expect(asked).to.deep.equal([['a'], ['b', 'c', 'd']]);
  });

  it('are left to the sweep when the database does not answer', async () => {
    const { dependents, warnings, ready, leave } = setUp([follower('b', 'a')], { a: 'completed', b: 'waiting' });
    leave();
    dependents.ended(['a']);
    await settled();
    expect(warnings).to.have.length(1);
    expect(await dependents.sweep(0)).to.equal(undefined);
    expect(ready).to.deep.equal(['b']);
  });

  it('are swept in pages, from where the last one ended', async () => {
    const many = Array.from({ length: 700 }, (_, index) => ({ ...follower(`f${index}`, 'a'), seq: index + 1 }));
    const { dependents, ready } = setUp(many, { a: 'completed' });
    expect(await dependents.sweep(0)).to.equal(500);
    expect(await dependents.sweep(500)).to.equal(undefined);
    expect(ready).to.have.length(700);
  });
});
