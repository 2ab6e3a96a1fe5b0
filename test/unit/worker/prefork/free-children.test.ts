import { expect } from 'chai';

import { FreeChildren } from '../../../../src/worker/prefork/free-children.js';
import type { PreforkChild } from '../../../../src/worker/prefork/prefork-child.js';

const child = (change: object = {}) => ({ alive: true, cause: undefined, ...change }) as unknown as PreforkChild;

describe('Free children', () => {
  it('are taken again while they are warm: the last one first', () => {
    const free = new FreeChildren();
    const [a, b] = [child(), child()];
    for (const each of [a, b]) free.offer(each);
    expect(free.takeNow()).to.equal(b);
    free.offer(b);
    expect([free.takeNow(), free.takeNow(), free.takeNow()]).to.deep.equal([b, a, undefined]);
  });

  it('go to who waits longest, at once', async () => {
    const free = new FreeChildren();
    const waiting = [1, 2].map(() => free.next(new AbortController().signal));
    const [a, b] = [child(), child()];
    for (const each of [a, b]) free.offer(each);
    expect(await Promise.all(waiting)).to.deep.equal([a, b]);
    expect(free.takeNow()).to.equal(undefined);
  });

  it('are none of those that have died or been ended', () => {
    const free = new FreeChildren();
    for (const gone of [child({ alive: false }), child({ cause: { kind: 'retired' } })]) free.offer(gone);
    expect(free.takeNow()).to.equal(undefined);
  });
});
