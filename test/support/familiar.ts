import { silentLog } from '../../src/process/log.js';
import type { Clock } from '../../src/process/runtime.js';
import { Familiarity } from '../../src/worker/familiarity.js';

const NONE: readonly string[] = [];

/** Of a worker whose children have these types; none: everything. */
export function familiarWith(clock: Clock, types: () => readonly string[] = () => NONE): Familiarity {
  return new Familiarity({ types, clock, log: silentLog });
}
