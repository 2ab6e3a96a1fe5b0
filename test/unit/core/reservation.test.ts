import { expect } from 'chai';

import { canonicalResources, limitKeyOf, limitOf, type ResourceWish } from '../../../src/core/canonical-resources.js';
import { InterlockError } from '../../../src/core/errors.js';
import { claimsOf, conflicts, type Claim, type Mode } from '../../../src/core/reservation.js';
import { overlap, patternsAbove } from '../../../src/core/subtree.js';

const NOTHING: ResourceWish = { exclusive: [], shared: [] };

function refused(wish: Partial<ResourceWish>): InterlockError {
  try {
    canonicalResources({ ...NOTHING, ...wish });
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

  it('of a pattern cover its top and all beneath, and meet patterns above and beneath', () => {
    for (const name of ['repo/a', 'repo/a/x', 'repo/a/x/y', 'repo/a/**', 'repo/**', 'repo/a/b/**'])
      expect(overlap('repo/a/**', name) && overlap(name, 'repo/a/**'), name).to.equal(true);
    for (const name of ['repo', 'repo/ab', 'repo/b', 'repo/ab/**', 'a/**', '/repo/a', '/**'])
      expect(overlap('repo/a/**', name) || overlap(name, 'repo/a/**'), name).to.equal(false);
    expect(overlap('/**', '/etc/hosts') && overlap('/etc/**', '/**')).to.equal(true);
    expect(overlap('/**', 'etc/hosts')).to.equal(false);
  });

  it('of names that overlap conflict by their modes, and counted ones not among themselves', () => {
    const of = (resource: string, mode: Mode): Claim => ({ resource, mode, units: 1 });
    const opposed = (a: Mode, b: Mode): boolean => conflicts(of('r/**', a), of('r/x', b));
    expect(opposed('exclusive', 'exclusive') && opposed('exclusive', 'shared') && opposed('shared', 'exclusive')).to.equal(true);
    expect(opposed('shared', 'shared')).to.equal(false);
    expect(opposed('exclusive', 'counted') && opposed('shared', 'counted')).to.equal(true);
    expect(conflicts(of('gpu', 'counted'), of('gpu', 'counted'))).to.equal(false);
    expect(conflicts(of('gpu', 'counted'), of('gpu', 'shared'))).to.equal(true);
  });

  it('know every pattern above a name: exactly those that cover it', () => {
    expect(patternsAbove('a/b/c')).to.deep.equal(['a/**', 'a/b/**', 'a/b/c/**']);
    expect(patternsAbove('a/b/**')).to.deep.equal(['a/**']);
    expect(patternsAbove('/a')).to.deep.equal(['/**', '/a/**']);
    expect(patternsAbove('a')).to.deep.equal(['a/**']);
    expect(patternsAbove('a/'.repeat(100))).to.have.length(16);
  });

  it('leave out what a pattern of the same task covers, unless it asks for more', () => {
    expect(
      canonicalResources({
        exclusive: ['a/**', 'a/b', 'a/b/**', 'c', 'ab'],
        shared: ['a/x', 'a/**', 'c/**', 'c/d', 'e'],
        counted: { 'a/gpu': 2, 'c/gpu': 1 },
      }),
    ).to.deep.equal({
      exclusive: ['a/**', 'ab', 'c'],
      shared: ['c/**', 'e'],
      counted: [{ name: 'c/gpu', units: 1 }],
    });
  });

  it('refuse asterisks that look like a pattern and are none', () => {
    for (const name of ['**', 'a/**/b', '**/a', '/**/**', '**/**', 'a/**/', `${'a/'.repeat(17)}**`])
      expect(refused({ shared: [name] }).errors[0], name).to.include({ pointer: '/shared/0', reason: 'bad_resource' });
    expect(canonicalResources({ exclusive: ['/**', 'a**', 'a/*', `${'a/'.repeat(16)}**`], shared: [] }).exclusive).to.have.length(
      4,
    );
  });

  it('count units of single resources, from 1 to a million, by one name each', () => {
    expect(canonicalResources({ ...NOTHING, counted: { tpu: 1, gpu: 2 } }).counted).to.deep.equal([
      { name: 'gpu', units: 2 },
      { name: 'tpu', units: 1 },
    ]);
    for (const units of [0, -1, 1.5, 1_000_001, NaN])
      expect(refused({ counted: { 'rack/gpu': units } }).errors[0]).to.include({
        pointer: '/counted/rack~1gpu',
        reason: 'bad_units',
      });
    expect(refused({ counted: { 'gpu/**': 1 } }).errors[0]?.pointer).to.equal('/counted/gpu~1**');
    expect(refused({ exclusive: ['gpu'], counted: { gpu: 1 } }).errors[0]?.reason).to.equal('ambiguous');
    expect(refused({ shared: ['gpu'], counted: { gpu: 1 } }).errors[0]?.reason).to.equal('ambiguous');
    expect(refused({ counted: { 'caf\u00e9': 1, 'cafe\u0301': 1 } }).errors[0]?.reason).to.equal('ambiguous');
  });

  it('keep names of limits apart from those that users reserve', () => {
    expect(limitOf('import', 5)).to.deep.equal({ name: 'concurrency:import', units: 1, capacity: 5 });
    expect(limitKeyOf('concurrency:import')).to.equal('import');
    expect(limitKeyOf('import')).to.equal(undefined);
    for (const wish of [{ exclusive: ['concurrency:x'] }, { shared: ['concurrency:x'] }, { counted: { 'concurrency:x': 1 } }])
      expect(refused(wish).errors[0]?.reason).to.equal('bad_resource');
    expect(() => limitOf('x'.repeat(250), 1)).to.throw(InterlockError);
  });
});
