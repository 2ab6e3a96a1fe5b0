import { expect } from 'chai';

import { InterlockError } from '../../../src/core/errors.js';
import { canonicalResources, claimsOf, conflicts } from '../../../src/core/reservation.js';

function refused(wish: { exclusive?: string[]; shared?: string[] }): InterlockError {
  try {
    canonicalResources({ exclusive: wish.exclusive ?? [], shared: wish.shared ?? [] });
  } catch (error) {
    expect(error).to.be.instanceOf(InterlockError);
    return error as InterlockError;
  }
  throw new Error('was accepted');
}

describe('reservations', () => {
  it('conflict on one resource unless both are shared', () => {
    const [x] = claimsOf({ exclusive: ['r'], shared: [] });
    const [s, other] = claimsOf({ exclusive: [], shared: ['r', 'q'] });
    expect(conflicts(x!, x!)).to.equal(true);
    expect(conflicts(x!, s!)).to.equal(true);
    expect(conflicts(s!, x!)).to.equal(true);
    expect(conflicts(s!, s!)).to.equal(false);
    expect(conflicts(x!, other!)).to.equal(false);
  });

  it('are sorted, without repetition, and exclusive where both were asked', () => {
    expect(canonicalResources({ exclusive: ['b', 'a', 'b'], shared: ['c', 'a', 'c'] })).to.deep.equal({
      exclusive: ['a', 'b'],
      shared: ['c'],
    });
  });

  it('see two spellings of one character as one name', () => {
    expect(canonicalResources({ exclusive: ['caf\u00e9', 'cafe\u0301'], shared: [] }).exclusive).to.deep.equal(['caf\u00e9']);
  });

  it('refuse names that are empty, too long, unprintable or padded, with their place', () => {
    for (const name of ['', 'x'.repeat(256), 'é'.repeat(128), 'a\u0000b', 'a\nb', 'a\u202eb', '\ud800', ' a', 'a ']) {
      const error = refused({ exclusive: ['fine', name] });
      expect(error.code, JSON.stringify(name)).to.equal('VALIDATION_FAILED');
      expect(error.errors[0]?.pointer).to.equal('/exclusive/1');
    }
  });

  it('take 255 bytes and 64 names, and refuse one more', () => {
    const names = Array.from({ length: 64 }, (_, i) => `${i}-`.padEnd(255, 'x'));
    expect(canonicalResources({ exclusive: names.slice(0, 30), shared: names.slice(30) }).shared).to.have.length(34);
    expect(refused({ exclusive: names, shared: ['one more'] }).errors[0]?.reason).to.equal('too_many');
  });
});
