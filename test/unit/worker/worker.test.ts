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
      kind: 'prefork',
      types: [],
      slots: 1,
      start: () => Promise.resolve(),
      run: never,
      resize: () => undefined,
      cancel: () => undefined,
      setAwaiting: () => undefined,
      extendDeadline: deadlineMs => told.push({ deadlineMs, answeredAtMs: clock.monotonicMs() }),
      killAll: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      stats: () => ({ slots: 1, busy: 0, awaiting: 0, children: [], types: [], tasksRun: 0 }),
    };
    const store = {
      processes: {
        register: () => Promise.resolve({ kind: 'registered' }),
        beat: async () => {
          asked.push(clock.monotonicMs());
          await timers.sleep(SLOW_MS);
          return {};
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
      leave: () => undefined,
      measure: () => ({ children: 0, residentMiB: null, childrenMiB: null, tasksRun: 0, uptimeSeconds: 0, loopUse: 0 }),
      shutdownGraceMs: 0,
      maxAwaiting: 1,
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
