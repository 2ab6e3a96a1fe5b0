import { expect } from 'chai';

import type { Outcome } from '../../../src/core/outcome.js';
import { supersededBy } from '../../../src/core/superseded.js';

const error = { code: 'X', message: 'm', traceback: 'at …' };

describe('what is kept of an outcome that comes too late', () => {
  it('is the result where it is short, and else how long it was', () => {
    expect(supersededBy({ kind: 'completed', result: { a: 1 } })).to.deep.equal({
      kind: 'completed',
      result: { a: 1 },
      resultBytes: 7,
    });
    expect(supersededBy({ kind: 'completed', result: 'x'.repeat(4_094) })).to.have.property('result');
    expect(supersededBy({ kind: 'completed', result: 'x'.repeat(4_095) })).to.deep.equal({
      kind: 'completed',
      resultBytes: 4_097,
    });
    expect(supersededBy({ kind: 'completed', result: 'é'.repeat(3_000) }), 'bytes, not characters').not.to.have.property(
      'result',
    );
  });

  it('is the error of a body that failed, cut, also where it would have been tried again', () => {
    const long = { ...error, message: 'm'.repeat(5_000) };
    const kept = { kind: 'failed', error: { code: 'X', message: 'm'.repeat(1_024) } };
    expect(supersededBy({ kind: 'failed', error: long })).to.deep.equal(kept);
    expect(supersededBy({ kind: 'retried', error: long, delayMs: 1, hold: false })).to.deep.equal(kept);
    expect(supersededBy({ kind: 'skipped', error })).to.deep.equal({ kind: 'skipped', error: { code: 'X', message: 'm' } });
  });

  const cut: Outcome[] = [
    { kind: 'canceled', reason: 'user' },
    { kind: 'requeued', reason: 'worker-lost' },
    { kind: 'failed', error, reason: 'worker-lost' },
  ];
  for (const outcome of cut) {
    it(`is nothing where the body was cut off (${outcome.kind})`, () => {
      expect(supersededBy(outcome)).to.equal(undefined);
    });
  }
});
