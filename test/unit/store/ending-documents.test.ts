import { expect } from 'chai';
import type { Outcome } from '../../../src/core/outcome.js';
import { batches, toWritten } from '../../../src/store/mongo/ending-documents.js';

const ending = (id: string, outcome: Outcome = { kind: 'completed', result: 1 }) =>
  toWritten({ id, token: `token ${id}`, outcome });

describe('endings as they are written', () => {
  it('are cut at 100', () => {
    const all = Array.from({ length: 250 }, (_, n) => ending(String(n)));
    const cut = batches(all);
    expect(cut.map(batch => batch.length)).to.deep.equal([100, 100, 50]);
    expect(cut.flat()).to.deep.equal(all);
  });

  it('are cut at 4 MiB of bytes, whatever their characters, and one that is larger goes alone', () => {
    const big = (id: string, characters: number) => ending(id, { kind: 'completed', result: 'ö'.repeat(characters) });
    const mib = 1024 * 1024;
    const cut = batches([big('a', mib), big('b', mib), big('c', 1), big('d', 3 * mib), big('e', 1)]);
    expect(cut.map(batch => batch.map(each => each.id))).to.deep.equal([['a'], ['b', 'c'], ['d'], ['e']]);
  });

  it('never hold an id twice in a batch', () => {
    const cut = batches([ending('a'), ending('b'), ending('a'), ending('a')]);
    expect(cut.map(batch => batch.map(each => each.id))).to.deep.equal([['a', 'b'], ['a'], ['a']]);
  });

  it('are none for none', () => {
    expect(batches([])).to.deep.equal([]);
  });

  it('count the bytes of errors too', () => {
    const error = { code: 'X', message: 'm', traceback: 't'.repeat(3 * 1024 * 1024) };
    expect(batches([ending('a', { kind: 'failed', error }), ending('b', { kind: 'failed', error })])).to.have.length(2);
  });

  const losses: [Outcome, loss: boolean, startReason: string][] = [
    [{ kind: 'completed', result: null }, false, 'completed'],
    [{ kind: 'failed', error: { code: 'X', message: 'm' } }, false, 'failed'],
    [{ kind: 'failed', error: { code: 'X', message: 'm' }, reason: 'timeout' }, false, 'timeout'],
    [{ kind: 'failed', error: { code: 'POISONED', message: 'm' }, reason: 'worker-lost' }, true, 'worker-lost'],
    [{ kind: 'canceled', reason: 'user' }, true, 'user'],
    [{ kind: 'requeued', reason: 'worker-shutdown' }, true, 'worker-shutdown'],
  ];
  for (const [outcome, loss, startReason] of losses) {
    it(`say of ${outcome.kind} ${'reason' in outcome ? outcome.reason : 'by itself'} that it ${loss ? 'gives way to' : 'stands against'} a cancel`, () => {
      expect(ending('a', outcome)).to.include({ loss, startReason });
    });
  }

  it('keep a null result apart from none', () => {
    expect(ending('a', { kind: 'completed', result: null }).result).to.equal('null');
    expect(ending('a', { kind: 'canceled', reason: 'user' })).not.to.have.property('result');
  });
});
