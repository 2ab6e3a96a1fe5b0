import type { Examining } from '../../backup/examine.js';
import type { Note } from '../../backup/progress.js';
import { restore, restoreSettings, type RestoreOptions, type RestoreReport } from '../../backup/restore.js';
import { loadConfig, requireServers } from '../../config/load.js';
import { identify } from '../../process/identity.js';
import { system } from '../../process/system.js';
import { flawOfBytes } from '../../store/mongo/archive/changed.js';
import { SCHEMA } from '../../store/mongo/fixed-documents.js';
import { openBroker, openStoreOnce, roleLogger } from '../compose.js';
import { interruptible } from './interruptible.js';
import { topologyAt } from './topology.js';

const NAME = 'interlock restore';

/** `interlock restore DIR`. Throws ConfigError, StoreError, and InterlockError that says whether anything was changed. */
export async function runRestore(directory: string, note: Note, options: RestoreOptions): Promise<RestoreReport> {
  const { config } = loadConfig();
  const { mongoUrl, amqpUrl } = requireServers(config);
  const logger = roleLogger({ log: { ...config.log, level: 'error' } }, 'restore', NAME);
  const store = await openStoreOnce(config, mongoUrl, { appName: NAME, log: logger });
  const { host, pid } = identify();
  try {
    return await interruptible(signal =>
      restore(
        {
          archive: store.archive,
          processes: store.processes,
          topology: (queues, workers) => topologyAt(openBroker(config, amqpUrl, NAME, logger), queues, workers),
          roots: { content: config.dataDirectory, work: config.workingDirectory },
          by: `host ${host}, pid ${pid}`,
          ...{ timing: config.timing, runtime: system, ...examining(note, signal) },
        },
        directory,
        options,
      ),
    );
  } finally {
    await store.close();
    await logger.close();
  }
}

/** `interlock restore DIR --settings-only`: needs no settings and no server. Throws InterlockError. */
export function runRestoreSettings(directory: string, note: Note, replace: boolean): ReturnType<typeof restoreSettings> {
  return interruptible(signal => restoreSettings(examining(note, signal), directory, replace));
}

function examining(note: Note, signal: AbortSignal): Examining {
  return { schema: SCHEMA, clock: system.clock, flawOf: flawOfBytes, note, signal };
}
