import { expect } from 'chai';

import { StoreError } from '../../../src/core/errors.js';
import type { Task } from '../../../src/core/task.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { setUp, task } from '../../support/claiming.js';

describe('the claim loop', () => {
  it('starts a hinted task at once and keeps its ticket until it ends', async () => {
    const { time, loop, waiting, running, broker, hint, end } = setUp();
    await loop.start();
    await time.advance(100);
    waiting.push(task('a', 1));
    hint('a');
    await time.advance(1);
    expect([...running.keys()]).to.deep.equal(['a']);
    expect(broker.acked).to.deep.equal([]);
    end('a');
    await time.advance(1);
    expect(broker.acked).to.deep.equal(['a']);
    await loop.stop();
  });

  it('takes a hint as a ticket: the better task goes first', async () => {
    const { time, loop, waiting, running, hint } = setUp();
    await loop.start();
    await time.advance(100);
    waiting.push(task('urgent', 9, 8), task('early', 1), task('late', 2));
    hint('late');
    await time.advance(1);
    expect([...running.keys()]).to.deep.equal(['urgent']);
    await loop.stop();
  });

  it('finds work without any hint within the idle time, and goes on at once while there is more', async () => {
    const { time, loop, waiting, running, end } = setUp();
    await loop.start();
    await time.advance(1_000);
    waiting.push(...['a', 'b', 'c', 'd', 'e'].map((id, i) => task(id, i)));
    await time.advance(DEFAULT_TIMING.claimIdleMs);
    expect([...running.keys()]).to.deep.equal(['a', 'b']);
    end('a');
    await time.advance(1);
    expect([...running.keys()]).to.deep.equal(['b', 'c']);
    await loop.stop();
  });

  it('goes on looking for tasks that are bound to it while there are some, whosever tickets there are', async () => {
    const { time, loop, waiting, running, hint, end } = setUp();
    await loop.start();
    await time.advance(1_000);
    waiting.push(...['a', 'b'].map((id, i) => task(id, i)));
    for (const seq of [2, 3]) waiting.push({ ...task(`bound-${seq}`, seq), grant: { worker: 'w' } } as Task);
    await time.advance(DEFAULT_TIMING.claimIdleMs);
    expect([...running.keys()]).to.deep.equal(['a', 'b']);
    for (const id of ['a', 'b']) {
      hint(id);
      end(id);
      await time.advance(10);
    }
    expect([...running.keys()]).to.deep.equal(['bound-2', 'bound-3']);
    await loop.stop();
  });

  it('takes the ticket of a task that it found by query, also after its consumer was away', async () => {
    const { time, loop, waiting, running, broker, hint, end } = setUp();
    await loop.start();
    waiting.push(...['a', 'b', 'c'].map((id, i) => task(id, i)));
    await time.advance(DEFAULT_TIMING.claimIdleMs + 2 * DEFAULT_TIMING.busyMs + 10);
    expect(broker.prefetch.at(-1), 'full').to.equal(0);
    end('a');
    await time.advance(10);
    expect([...running.keys()], 'at once').to.deep.equal(['b', 'c']);
    expect(broker.prefetch.at(-1)).to.equal(1);
    hint('c');
    await time.advance(DEFAULT_TIMING.busyMs + 10);
    expect(broker.acked).to.deep.equal(['c']);
    expect(broker.published).to.deep.equal([]);
    await time.advance(DEFAULT_TIMING.busyMs);
    expect(broker.prefetch.at(-1)).to.equal(0);
    await loop.stop();
  });

  it('keeps the tickets of a lost race for what the others left', async () => {
    let tries = 0;
    const { time, loop, broker, hint, running } = setUp({
      claimable: () => Promise.resolve([task(`t${tries}`, tries)]),
      start: starts => Promise.resolve(new Set(tries++ === 0 ? [] : starts.map(start => start.id))),
    });
    await loop.start();
    hint('t0');
    await time.advance(100);
    expect([...running.keys()]).to.deep.equal(['t1']);
    expect(broker.acked).to.deep.equal([]);
    await loop.stop();
  });

  it('never runs more than it has slots', async () => {
    const { time, loop, waiting, hint } = setUp();
    await loop.start();
    waiting.push(...['a', 'b', 'c'].map((id, i) => task(id, i)));
    for (const id of ['a', 'b', 'c']) hint(id);
    await time.advance(1_000);
    expect(loop.busy).to.equal(2);
    await loop.stop();
  });

  it('gives slots out again while the ends of their bodies are being written, but not to more than 100 such ends', async () => {
    const { time, loop, waiting, running, writing, end, hint } = setUp();
    const names = Array.from({ length: 110 }, (_, i) => `t${i}`);
    let written = (): void => undefined;
    const away = new Promise<void>(resolve => (written = resolve));
    for (const name of names) writing.set(name, away);
    await loop.start();
    waiting.push(...names.map((id, i) => task(id, i)));
    for (const name of names) hint(name);
    for (let round = 0; round < 110; round++) {
      for (const name of [...running.keys()]) end(name);
      await time.advance(1);
    }
    expect([loop.busy, loop.open]).to.deep.equal([0, 102]); // two of them ran when the limit was reached
    written();
    await time.advance(1);
    expect([...running.keys()]).to.deep.equal(['t102', 't103']);
    await loop.stop();
  });

  it('holds no delivery longer than 2 s, stops consuming while full, and returns what it cannot use', async () => {
    const { time, loop, waiting, broker, hint, end } = setUp();
    await loop.start();
    await time.advance(100);
    waiting.push(...['a', 'b', 'c'].map((id, i) => task(id, i)));
    for (const id of ['a', 'b', 'c']) hint(id);
    await time.advance(DEFAULT_TIMING.busyMs + 10);
    expect(broker.acked).to.have.members(['a', 'b', 'c']);
    expect(broker.published).to.deep.equal(['c']);
    expect(broker.prefetch.at(-1)).to.equal(0);
    end('a');
    await time.advance(10);
    expect(broker.prefetch.at(-1)).to.equal(1);
    await loop.stop();
  });

  it('uses up a ticket whose task is gone', async () => {
    const { time, loop, broker, hint } = setUp();
    await loop.start();
    await time.advance(100);
    hint('gone');
    await time.advance(10);
    expect(broker.acked).to.deep.equal(['gone']);
    expect(broker.wasted).to.deep.equal(['gone']);
    await loop.stop();
  });

  it('tells which ticket it used up for nothing, whichever of them started a task', async () => {
    const { time, loop, waiting, running, broker, hint } = setUp();
    await loop.start();
    await time.advance(100);
    waiting.push(task('a', 1));
    hint('gone');
    hint('a');
    await time.advance(10);
    expect([...running.keys()]).to.deep.equal(['a']);
    expect([broker.acked.length, broker.wasted]).to.deep.equal([1, ['gone']]);
    await loop.stop();
  });

  it('asks again soon after it lost a race', async () => {
    let asked = 0;
    const { time, loop, running, hint } = setUp({
      claimable: () => Promise.resolve([task(`t${asked}`, asked)]),
      start: starts => Promise.resolve(new Set(asked++ === 0 ? [] : starts.map(start => start.id))),
    });
    await loop.start();
    hint('t0');
    await time.advance(100);
    expect(running.size).to.be.greaterThan(0);
    await loop.stop();
  });

  it('begins nothing when the answer to a start is unclear, forgets it, and returns the ticket', async () => {
    const { time, loop, own, waiting, running, broker, hint } = setUp({
      start: () => Promise.reject(new StoreError('no answer', 'unknown')),
    });
    await loop.start();
    waiting.push(task('a', 1));
    hint('a');
    await time.advance(10);
    expect(running.size).to.equal(0);
    expect(own.snapshot().has('a', 'uuid-1')).to.equal(false);
    expect(broker.published).to.include('a');
    await loop.stop();
  });

  it('runs nothing that it started under an incarnation which was fenced meanwhile', async () => {
    let incarnation: string | undefined = 'old';
    let landed: (ids: Set<string>) => void = () => undefined;
    const { time, loop, own, waiting, running } = setUp(
      { start: () => new Promise(resolve => (landed = resolve)) },
      () => incarnation,
    );
    await loop.start();
    waiting.push(task('a', 1));
    await time.advance(DEFAULT_TIMING.claimIdleMs + 1);
    incarnation = undefined; // the children are killed, but this start is none of them yet
    await time.advance(1_000);
    incarnation = 'new';
    landed(new Set(['a']));
    await time.advance(10);
    expect(running.size).to.equal(0);
    expect(own.running).to.deep.equal([]);
    incarnation = undefined;
    await loop.stop();
  });

  it('does not spin when claims fail at once and their hints come back at once', async () => {
    let claims = 0;
    const { time, loop, broker, hint } = setUp({
      claimable: () => {
        claims++;
        return Promise.reject(new Error('a bug'));
      },
    });
    await loop.start();
    for (let ms = 0; ms < 5_000; ms += 10) {
      if (broker.acked.length >= broker.published.length) hint('a');
      await time.advance(10);
    }
    expect(claims).to.be.lessThan(20);
    await loop.stop();
  });
});
