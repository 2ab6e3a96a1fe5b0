import { expect } from 'chai';

import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import type { Claimed } from '../../../src/worker/claimed.js';
import { Slots, type Place } from '../../../src/worker/slots.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

function setUp(slots = 1): {
  slots: Slots;
  begin: (id: string) => { place: Place; end: () => void };
  freed: () => number;
} {
  const begun = new Map<string, { place: Place; end: () => void }>();
  let freed = 0;
  const all = new Slots({
    ...{ clock: new VirtualTime().clock, timing: DEFAULT_TIMING, slots },
    run: ({ token }, place) => {
      let end = (): void => undefined;
      const ended = new Promise<void>(resolve => (end = resolve));
      begun.set(token, { place, end: () => end() });
      return { ended, recorded: ended };
    },
    freed: () => (freed += 1),
  });
  const begin = (token: string): { place: Place; end: () => void } => {
    void all.occupy({ token } as Claimed, undefined);
    return begun.get(token)!;
  };
  return { slots: all, begin, freed: () => freed };
}

describe('the slots of starts that wait', () => {
  it('are free for others meanwhile, and count as open', () => {
    const { slots, begin, freed } = setUp();
    const { place } = begin('a');
    expect([slots.free, slots.busy, slots.open]).to.deep.equal([0, 1, 1]);
    place.leave();
    expect([slots.free, slots.busy, slots.open]).to.deep.equal([1, 0, 1]);
    expect(freed()).to.equal(1);
  });

  it('are had again before any new start, in the order in which they are asked for', async () => {
    const { slots, begin } = setUp();
    const [a, b] = [begin('a'), undefined];
    a.place.leave();
    const other = begin('b');
    other.place.leave();
    const third = begin('c');
    const back: string[] = [];
    void a.place.comeBack().then(() => back.push('a'));
    void other.place.comeBack().then(() => back.push('b'));
    await settled();
    expect(back).to.deep.equal([]);
    third.end();
    await settled();
    expect(back).to.deep.equal(['a']);
    expect(slots.free, 'nothing is left for a claim').to.equal(0);
    a.end();
    await settled();
    expect(back).to.deep.equal(['a', 'b']);
    expect(b).to.equal(undefined);
  });

  it('are not taken from a claim that is under way', async () => {
    const { slots, begin } = setUp();
    const a = begin('a');
    a.place.leave();
    const redeem = slots.promise(1);
    let back = false;
    void a.place.comeBack().then(() => (back = true));
    await settled();
    expect(back).to.equal(false);
    redeem();
    slots.admit();
    await settled();
    expect(back).to.equal(true);
    redeem();
    expect(slots.free, 'a promise is taken back once').to.equal(0);
  });

  it('are had at once by a body that goes on already, and then there are more bodies than slots', async () => {
    const { slots, begin } = setUp();
    const a = begin('a');
    a.place.leave();
    const b = begin('b');
    let back = false;
    void a.place.comeBack().then(() => (back = true));
    a.place.comeBackNow();
    await settled();
    expect(back).to.equal(true);
    expect([slots.busy, slots.free, slots.idle]).to.deep.equal([2, 0, 0]);
    b.end();
    await settled();
    expect([slots.busy, slots.free]).to.deep.equal([1, 0]);
    a.end();
    await settled();
    expect([slots.busy, slots.free, slots.open]).to.deep.equal([0, 1, 0]);
  });

  it('are forgotten with a start that ends while it waits', async () => {
    const { slots, begin } = setUp();
    const a = begin('a');
    a.place.leave();
    const b = begin('b');
    let back = false;
    void a.place.comeBack().then(() => (back = true));
    a.end();
    await settled();
    expect(back, 'nobody is left waiting').to.equal(true);
    b.end();
    await settled();
    expect([slots.busy, slots.free, slots.open]).to.deep.equal([0, 1, 0]);
  });
});
