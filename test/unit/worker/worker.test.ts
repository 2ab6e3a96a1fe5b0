import { expect } from 'chai';

import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { silentLog } from '../../../src/process/log.js';
import type { Store } from '../../../src/store/store.js';
import type { Pool } from '../../../src/worker/pool.js';
import { Worker } from '../../../src/worker/worker.js';
import { VirtualTime } from '../../support/virtual-time.js';
import { calmExchange, connected } from '../../simulation/broker/calm.js';

describe('a worker', () => {
  it('lets its children live for 20 s from when it asked for a heartbeat, however late the answer comes', async () => {
    const time = new VirtualTime();
    const { clock, timers } = time.runtime;
    const broker = await connected(calmExchange(time), time, 'w');
    const told: { deadlineMs: number; answeredAtMs: number }[] = [];
    const SLOW_MS = 3_000;
    const asked: number[] = [];
    const never = (): Promise<never> => Promise.reject(new Error('not in this test'));
    const pool: Pool = {
      slots: 1,
      start: () => Promise.resolve(),
      run: never,
      cancel: () => undefined,
      extendDeadline: deadlineMs => told.push({ deadlineMs, answeredAtMs: clock.monotonicMs() }),
      killAll: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      stats: () => ({ slots: 1, busy: 0, children: [], types: [] }),
    };
    const store = {
      processes: {
        register: () => Promise.resolve({ kind: 'registered' }),
        beat: async () => {
          asked.push(clock.monotonicMs());
          await timers.sleep(SLOW_MS);
          return true;
        },
        stop: () => Promise.resolve(true),
      },
      tasks: {
        namedBy: () => Promise.resolve([]),
        claimable: () => Promise.resolve([]),
        startBest: () => Promise.resolve(undefined),
      },
    } as unknown as Store;
    const worker = new Worker({
      store,
      broker,
      pool,
      runtime: time.runtime,
      log: silentLog,
      timing: DEFAULT_TIMING,
      name: 'w',
      identity: { host: 'h', bootId: 'b', pidNamespace: 'p', pid: 1, startTicks: 2 },
      versions: { interlock: '0', node: '20' },
      queues: ['default'],
      dedicated: false,
      onMissing: 'reassign',
      shutdownGraceMs: 0,
      provedGone: () => false,
      endChildren: () => Promise.resolve(),
      spawn: never,
      service: never,
    });
    await worker.start();
    await time.advance(3 * DEFAULT_TIMING.heartbeatMs);
    const slow = told.filter(({ answeredAtMs }) => asked.includes(answeredAtMs - SLOW_MS));
    expect(slow).to.have.length.greaterThan(1);
    for (const { deadlineMs, answeredAtMs } of slow) {
      expect(deadlineMs).to.equal(answeredAtMs - SLOW_MS + DEFAULT_TIMING.selfFenceMs);
    }
    const stopped = worker.stop();
    await time.advance(2 * DEFAULT_TIMING.heartbeatMs);
    await stopped;
  });
});
