import type { Outcome } from '../../../src/core/outcome.js';
import type { PoolOptions } from '../../../src/worker/children/pool-options.js';
import type { Pool, RunOutcome } from '../../../src/worker/pool.js';
import { poolFolder, poolOptions, recordingLog, type Line } from '../../support/pool.js';
import { createPool, type PoolKind } from './pool-under-test.js';

/** One pool for many tests: what they do to a child must not matter to the next. */
export interface SharedPool {
  kind: PoolKind;
  pool: () => Pool;
  lines: Line[];
  file: (name: string) => string;
}

export function sharedPool(kind: PoolKind, more: Partial<PoolOptions & { silentMs: number; retireMs: number }> = {}): SharedPool {
  const folder = poolFolder();
  const lines: Line[] = [];
  let pool: Pool | undefined;
  before(async () => {
    pool = createPool(kind, poolOptions(folder.root, { slots: 2, memoryMiB: 400, log: recordingLog(lines), ...more }));
    await pool.start();
  });
  after(async () => {
    await pool?.stop();
    folder.remove();
  });
  return { kind, pool: () => pool!, lines, file: folder.file };
}

export async function result(running: Promise<RunOutcome>): Promise<unknown> {
  const outcome = await running;
  if (outcome.kind !== 'completed') throw new Error(`expected a result, not ${JSON.stringify(outcome)}`);
  return outcome.result;
}

export async function failure(running: Promise<RunOutcome>): Promise<Extract<Outcome, { kind: 'failed' }>> {
  const outcome = await running;
  if (outcome.kind !== 'failed') throw new Error(`expected a failure, not ${JSON.stringify(outcome)}`);
  return outcome;
}
