import { EventEmitter } from 'node:events';

import { expect } from 'chai';

import { onSignals } from '../../../src/process/signals.js';

/** What was heard of these signals, each so long after the one before. */
function heard(signals: readonly (readonly [NodeJS.Signals, number])[], { urgent = true } = {}): string[] {
  const [source, said] = [new EventEmitter(), [] as string[]];
  let now = 0;
  const note =
    (how: string) =>
    (signal: NodeJS.Signals): void =>
      void said.push(`${how} ${signal}`);
  const handlers = { graceful: note('graceful'), forced: note('forced'), ...(urgent && { urgent: note('urgent') }) };
  const stop = onSignals(handlers, { monotonicMs: () => now }, source);
  for (const [signal, afterMs] of signals) {
    now += afterMs;
    source.emit(signal, signal);
  }
  stop();
  for (const [signal] of signals) source.emit(signal, signal);
  return said;
}

describe('signals', () => {
  it('ask first, and mean it more seriously each time; what comes within 0.3 s is the same wish', () => {
    const signals = [
      ['SIGTERM', 0],
      ['SIGTERM', 100],
      ['SIGINT', 350],
      ['SIGINT', 250],
      ['SIGTERM', 400],
    ] as const;
    expect(heard(signals)).to.deep.equal(['graceful SIGTERM', 'forced SIGINT', 'forced SIGTERM']);
  });

  it('are urgent with SIGQUIT, and one after that is no first wish', () => {
    expect(
      heard([
        ['SIGQUIT', 0],
        ['SIGTERM', 1_000],
      ]),
    ).to.deep.equal(['urgent SIGQUIT', 'forced SIGTERM']);
  });

  it('leave SIGQUIT alone where nobody asks for it', () => {
    expect(
      heard(
        [
          ['SIGQUIT', 0],
          ['SIGTERM', 1_000],
        ],
        { urgent: false },
      ),
    ).to.deep.equal(['graceful SIGTERM']);
  });
});
