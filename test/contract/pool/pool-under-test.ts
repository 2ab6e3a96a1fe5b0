import type { PoolOptions } from '../../../src/worker/children/pool-options.js';
import type { Pool } from '../../../src/worker/pool.js';
import { createAsyncPool } from '../../../src/worker/async/async.js';
import { createPreforkPool } from '../../../src/worker/prefork/prefork.js';

export type PoolKind = 'prefork' | 'async';

const TIMES = { retireMs: 1_000, silentMs: 20_000 };

export function createPool(kind: PoolKind, options: PoolOptions): Pool {
  return kind === 'prefork' ? createPreforkPool(options) : createAsyncPool({ ...TIMES, ...options });
}
