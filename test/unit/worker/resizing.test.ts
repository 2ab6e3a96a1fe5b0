import { expect } from 'chai';

import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { setUp, task } from '../../support/claiming.js';

describe('the claim loop of a worker that is resized', () => {
  it('starts more at once when it has more slots, and fetches tickets for them', async () => {
    const { time, loop, waiting, running, broker } = setUp();
    await loop.start();
    waiting.push(...['a', 'b', 'c', 'd'].map((id, i) => task(id, i)));
    await time.advance(DEFAULT_TIMING.claimIdleMs + 10);
    expect([...running.keys()]).to.deep.equal(['a', 'b']);
    loop.resize(3);
    await time.advance(10);
    expect([...running.keys()]).to.deep.equal(['a', 'b', 'c']);
    loop.resize(6);
    await time.advance(10);
    expect([...running.keys()]).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(broker.prefetch.at(-1)).to.be.at.least(2);
    await loop.stop();
  });

  it('lets what runs go on when it has fewer slots, starts no other before that, and gives back tickets that it has no use for', async () => {
    const { time, loop, waiting, running, broker, hint, end } = setUp();
    await loop.start();
    waiting.push(...['a', 'b', 'c', 'd'].map((id, i) => task(id, i)));
    await time.advance(DEFAULT_TIMING.claimIdleMs + 10);
    for (const id of ['c', 'd']) hint(id);
    loop.resize(1);
    await time.advance(10);
    expect([...running.keys()]).to.deep.equal(['a', 'b']);
    expect(broker.prefetch.at(-1)).to.equal(1);
    end('a');
    await time.advance(DEFAULT_TIMING.claimIdleMs);
    expect([...running.keys()]).to.deep.equal(['b']);
    end('b');
    await time.advance(10);
    expect([...running.keys()]).to.deep.equal(['c']);
    await loop.stop();
  });

  it('gives back what it claimed for a slot that is gone when the answer comes', async () => {
    let landed: (ids: Set<string>) => void = () => undefined;
    const { time, loop, own, waiting, running, broker, hint } = setUp({
      start: () => new Promise(resolve => (landed = resolve)),
    });
    await loop.start();
    waiting.push(task('a', 1), task('b', 2));
    for (const id of ['a', 'b']) hint(id);
    await time.advance(10);
    loop.resize(1);
    landed(new Set(['a', 'b']));
    await time.advance(10);
    expect([...running.keys()]).to.deep.equal(['a']);
    expect(broker.given).to.deep.equal(['b']);
    expect(broker.published, 'a hint for the others').to.include('b');
    expect(broker.acked).to.include('b');
    expect(own.snapshot().has('b', 'uuid-1')).to.equal(false);
    await loop.stop();
  });
});
