import { expect } from 'chai';

import { outcomeOfThrow } from '../../../src/tasks/body.js';
import { Fatal, RetryLater, Skip } from '../../../src/tasks/verdicts.js';

class Unreachable extends Error {}

const again = (thrown: unknown, definition: Parameters<typeof outcomeOfThrow>[1] = {}) => {
  const outcome = outcomeOfThrow(thrown, definition);
  return outcome.kind === 'failed' ? outcome.again : outcome.kind;
};

describe('what a body throws', () => {
  it('leaves it to the policy of the task whether it is started again', () => {
    const outcome = outcomeOfThrow(Object.assign(new Error('down'), { code: 'ECONN' }), {});
    expect(outcome).to.deep.include({ kind: 'failed' }).and.not.to.have.property('again');
    expect(outcome.kind === 'failed' && outcome.error).to.include({ code: 'ECONN', message: 'down' });
  });

  it('may ask for another start after a time', () => {
    expect(again(new RetryLater(1.5))).to.deep.equal({ afterMs: 1_500 });
    expect(again(new RetryLater(0))).to.deep.equal({ afterMs: 0 });
    for (const seconds of [-1, Number.NaN, 1e12]) expect(() => new RetryLater(seconds)).to.throw(RangeError);
  });

  it('may be the end for good', () => {
    expect(again(new Fatal('the address is wrong'))).to.equal('never');
  });

  it('may be that there is nothing to do', () => {
    expect(outcomeOfThrow(new Skip('up to date'), {})).to.deep.equal({
      kind: 'skipped',
      error: { code: 'SKIPPED', message: 'up to date' },
    });
  });

  it('is known by what it says, not by its class: a module may have a copy of its own', () => {
    const verdict = Symbol.for('interlock.verdict');
    expect(again(Object.assign(new Error('x'), { [verdict]: 'fatal' }))).to.equal('never');
    expect(again(Object.assign(new Error('x'), { [verdict]: 'retry-later', seconds: 2 }))).to.deep.equal({ afterMs: 2_000 });
  });

  it('is tried again only where its class is named, if any is', () => {
    expect(again(new Unreachable('x'), { retryOn: [Unreachable] })).to.equal(undefined);
    expect(again(new TypeError('x'), { retryOn: [Unreachable] })).to.equal('never');
    expect(again(new TypeError('x'), { retryOn: [Error] })).to.equal(undefined);
  });

  it('is not tried again where its class is named as one that is not', () => {
    expect(again(new Unreachable('x'), { retryOn: [Error], noRetryOn: [Unreachable] })).to.equal('never');
    expect(again(new TypeError('x'), { noRetryOn: [TypeError, RangeError] })).to.equal('never');
  });

  it('may be judged by a function, and one that throws judges nothing', () => {
    const isBusy = (error: unknown): boolean => (error as Error).message === 'busy';
    expect(again(new Error('busy'), { retryOn: [isBusy] })).to.equal(undefined);
    expect(again(new Error('gone'), { retryOn: [isBusy] })).to.equal('never');
    const broken = (): boolean => {
      throw new Error('of its own');
    };
    expect(again(new Error('x'), { noRetryOn: [broken] })).to.equal(undefined);
  });
});
