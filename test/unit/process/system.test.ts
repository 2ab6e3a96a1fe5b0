import { EventEmitter } from 'node:events';

import { expect } from 'chai';

import { onSignals } from '../../../src/process/signals.js';
import { system } from '../../../src/process/system.js';

describe('The real clock', () => {
  it('only grows, and sleeps at least as long as asked', async () => {
    const start = system.clock.monotonicMs();
    await system.timers.sleep(20);
    expect(system.clock.monotonicMs() - start).to.be.at.least(19);
  });

  it('wakes a sleeper whose signal aborts, before or during the sleep', async () => {
    const during = new AbortController();
    const sleeping = system.timers.sleep(2 ** 40, during.signal);
    during.abort();
    await sleeping;
    await system.timers.sleep(3_600_000, AbortSignal.abort());
  });

  it('gives ids in order of time and uuids that are random', () => {
    const ids = Array.from({ length: 100 }, () => system.random.id());
    expect(ids).to.deep.equal(ids.toSorted());
    expect(new Set([system.random.uuid(), system.random.uuid()])).to.have.length(2);
  });
});

describe('Signals', () => {
  it('ask first and force second; one key press that arrives twice is one wish', () => {
    const calls: string[] = [];
    const source = new EventEmitter();
    let now = 0;
    const stop = onSignals(
      { graceful: signal => calls.push(`graceful ${signal}`), forced: signal => calls.push(`forced ${signal}`) },
      { monotonicMs: () => now },
      source,
    );
    source.emit('SIGINT', 'SIGINT');
    now = 50;
    source.emit('SIGINT', 'SIGINT');
    now = 1_000;
    source.emit('SIGTERM', 'SIGTERM');
    stop();
    expect(source.listenerCount('SIGINT')).to.equal(0);
    expect(calls).to.deep.equal(['graceful SIGINT', 'forced SIGTERM']);
  });
});
