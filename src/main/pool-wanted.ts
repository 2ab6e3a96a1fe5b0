import { ConfigError } from '../config/config-error.js';
import type { Config } from '../config/schema.js';

export type PoolKind = Config['worker']['pool'];

/** One process each for more tasks than this is a mistake. */
const MAX_PROCESSES = 512;

/** What the settings say, unless the command line says otherwise. Throws ConfigError for more processes than anybody can want. */
export function poolWanted(
  worker: Pick<Config['worker'], 'pool' | 'concurrency'>,
  flags: { pool?: PoolKind; concurrency?: number },
): { kind: PoolKind; slots: number } {
  const kind = flags.pool ?? worker.pool;
  const slots = flags.concurrency ?? worker.concurrency ?? 1;
  if (kind !== 'prefork' || slots <= MAX_PROCESSES) return { kind, slots };
  const source = flags.concurrency === undefined ? 'the settings' : '--concurrency';
  const detail = `${slots} processes are too many: expected at most ${MAX_PROCESSES}, or the pool async`;
  throw new ConfigError([{ key: 'worker.concurrency', source, detail }]);
}
