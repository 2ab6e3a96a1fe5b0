import { audit, type AuditReport } from '../audit/audit.js';
import { loadConfig, requireDatabase } from '../config/load.js';
import { openStoreOnce, roleLogger } from './compose.js';

/** A sweep has to notice first what it is to mend: at the real timings that is 30 s, and never less. */
const LEAST_PATIENCE_MS = 30_000;

/**
 * `interlock audit`: reads the database itself, so it works while no process of the deployment does, and changes nothing.
 * Throws ConfigError, StoreError, and InterlockError `CONFLICT` for a database that is none of Interlock's.
 */
export async function runAudit(options: { since?: Date; clockStepMs?: number }): Promise<AuditReport & { durationMs: number }> {
  const begin = performance.now();
  const { config } = loadConfig();
  const url = requireDatabase(config);
  const logger = roleLogger({ log: { ...config.log, level: 'warn' } }, 'audit', 'interlock audit');
  const store = await openStoreOnce(config, url, { log: logger, appName: 'interlock audit' });
  try {
    await store.check();
    const { timing, worker } = config;
    const patienceMs = Math.max(LEAST_PATIENCE_MS, timing.ttlMs + timing.sweepMs);
    const report = await audit(store, { ...options, patienceMs, cancelGraceMs: worker.graceMs + worker.killMs });
    return { ...report, durationMs: Math.round(performance.now() - begin) };
  } finally {
    await store.close();
    await logger.close();
  }
}
