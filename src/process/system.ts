import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { v7 as uuidv7 } from 'uuid';

import type { Runtime } from './runtime.js';

/** Node turns a longer delay into 1 ms. */
const MAX_DELAY_MS = 2_147_483_647;

/** Real time and chance. The monotonic clock is Linux's CLOCK_MONOTONIC: the same for every process of a machine. */
export const system: Runtime = {
  clock: {
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    wall: () => new Date(),
  },
  timers: { sleep: sleepUntilAborted },
  random: {
    uniform: () => Math.random(),
    uuid: () => randomUUID(),
    id: () => uuidv7(),
  },
};

async function sleepUntilAborted(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(Math.min(Math.max(ms, 0), MAX_DELAY_MS), undefined, signal && { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
