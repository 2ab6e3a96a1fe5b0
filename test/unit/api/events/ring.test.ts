import { expect } from 'chai';

import { Ring } from '../../../../src/api/events/ring.js';
import { someEvent, summaries } from '../../../support/events.js';

const LIMITS = { ringEvents: 5, ringBytes: 1_000_000 };
const told = (ring: Ring, id: string): string[] | undefined =>
  ring.after(id) &&
  summaries(
    ring
      .after(id)!
      .map(({ bytes }) => bytes.toString())
      .join(''),
  );

describe('The ring of events', () => {
  it('gives what came after an id, a resync included', () => {
    const ring = new Ring('a1', LIMITS);
    const before = ring.position;
    ring.add(someEvent(1));
    const between = ring.position;
    ring.resync('dropped');
    ring.add(someEvent(2, { state: 'completed' }));
    expect(told(ring, before)).to.deep.equal(['1 running', 'resync dropped', '2 completed']);
    expect(told(ring, between)).to.deep.equal(['resync dropped', '2 completed']);
    expect(told(ring, ring.position)).to.deep.equal([]);
  });

  it('does not know ids of others, of the future, or of nobody', () => {
    const ring = new Ring('a1', LIMITS);
    ring.add(someEvent(1));
    for (const id of ['b2-0', 'a1-2', 'a1-', 'a1', 'a1--1', 'a1-01', 'a1-1.5', 'a1-1e0', '', '-1', 'a1-1-1', '💥'])
      expect(ring.after(id), id).to.equal(undefined);
  });

  it('keeps a bounded number, and knows that the others are gone', () => {
    const ring = new Ring('a1', LIMITS);
    for (let n = 1; n <= 12; n++) ring.add(someEvent(n));
    expect(ring.size).to.equal(5);
    expect(told(ring, 'a1-7')).to.have.length(5);
    expect(told(ring, 'a1-6')).to.equal(undefined);
  });

  it('keeps a bounded number of bytes, and counts them right', () => {
    const ring = new Ring('a1', { ringEvents: 1_000, ringBytes: 2_000 });
    for (let n = 1; n <= 100; n++) ring.add(someEvent(n));
    const kept = ring.after(`a1-${100 - ring.size}`)!;
    expect(ring.bytes).to.equal(kept.reduce((sum, { bytes }) => sum + bytes.length, 0));
    expect(ring.bytes).to.be.within(1_000, 2_000);
  });
});
