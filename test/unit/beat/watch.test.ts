import { expect } from 'chai';

import { Watch } from '../../../src/beat/watch.js';
import type { ProcessRecord } from '../../../src/core/process.js';
import { VirtualTime } from '../../support/virtual-time.js';

const process = (beat: number, incarnation = 'i1'): ProcessRecord => ({ name: 'w', incarnation, beat }) as ProcessRecord;

describe('the watch over heartbeats', () => {
  it('calls a process silent only after it saw the same counter for the whole time', async () => {
    const time = new VirtualTime();
    const watch = new Watch(time.clock, 22_000);
    expect(watch.observe([process(7)])).to.have.length(0);
    await time.advance(21_999);
    expect(watch.observe([process(7)])).to.have.length(0);
    expect(watch.earliestMs()).to.equal(1);
    await time.advance(1);
    expect(watch.observe([process(7)]).map(silent => silent.beat)).to.deep.equal([7]);
  });

  it('starts anew with every heartbeat and every incarnation', async () => {
    const time = new VirtualTime();
    const watch = new Watch(time.clock, 22_000);
    watch.observe([process(7)]);
    await time.advance(20_000);
    watch.observe([process(8)]);
    await time.advance(20_000);
    watch.observe([process(8, 'i2')]);
    await time.advance(20_000);
    expect(watch.observe([process(8, 'i2')])).to.have.length(0);
  });

  it('forgets a process that is no longer live', async () => {
    const time = new VirtualTime();
    const watch = new Watch(time.clock, 22_000);
    watch.observe([process(7)]);
    watch.observe([]);
    await time.advance(30_000);
    expect(watch.observe([process(7)])).to.have.length(0);
  });
});
