import { randomBytes } from 'node:crypto';

import { audit } from '../../audit/audit.js';
import type { Note } from '../../backup/progress.js';
import { verify, type Stage, type VerifyReport } from '../../backup/verify.js';
import { loadConfig, requireDatabase } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { identify, provedGone } from '../../process/identity.js';
import { system } from '../../process/system.js';
import type { Rehearser } from '../../store/archive.js';
import { flawOfBytes } from '../../store/mongo/archive/changed.js';
import { SCHEMA } from '../../store/mongo/fixed-documents.js';
import { databaseOf, scratchName } from '../../store/mongo/store.js';
import { openStoreOnce, roleLogger } from '../compose.js';
import { interruptible } from './interruptible.js';

const NAME = 'interlock verify';
/** Of another machine nobody can tell whether it still rehearses; no rehearsal takes so long. */
const OVER_MS = 24 * 3_600_000;

/** `interlock verify DIR`. Throws ConfigError, StoreError, and InterlockError for a backup that cannot be trusted. */
export async function runVerify(directory: string, note: Note, checksumsOnly: boolean): Promise<VerifyReport> {
  const stage = checksumsOnly ? {} : { stage: stageOf(loadConfig().config) };
  const common = { schema: SCHEMA, clock: system.clock, flawOf: flawOfBytes, note, rehearser: identify(), isOver };
  return interruptible(signal => verify({ ...common, ...stage, signal }, directory));
}

function stageOf(config: Config): () => Promise<Stage> {
  const url = requireDatabase(config);
  return async () => {
    const database = scratchName(databaseOf(url), randomBytes(4).toString('hex'));
    const logger = roleLogger({ log: { ...config.log, level: 'error' } }, 'verify', NAME);
    const store = await openStoreOnce(config, url, { appName: NAME, log: logger, database });
    return {
      archive: store.archive,
      scratch: store.scratch,
      audit: async () => {
        const { ok, checked, findings, omitted } = await audit(store);
        return { ok, tasks: checked.tasks, findings: findings.length + omitted };
      },
      close: async () => {
        await store.close();
        await logger.close();
      },
    };
  };
}

function isOver(by: Rehearser, startedAt: Date): boolean {
  return provedGone(by) || Date.now() - startedAt.getTime() > OVER_MS;
}
