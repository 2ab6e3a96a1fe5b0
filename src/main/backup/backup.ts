import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { backup, type BackupReport } from '../../backup/backup.js';
import { isWithin } from '../../backup/folders/names.js';
import type { Source } from '../../backup/folders/pack.js';
import type { Note } from '../../backup/progress.js';
import { loadConfig, requireServers } from '../../config/load.js';
import { InterlockError } from '../../core/errors.js';
import { system } from '../../process/system.js';
import { openBroker, openStoreOnce, roleLogger, versions } from '../compose.js';
import { interruptible } from './interruptible.js';
import { inForce, sourcesOf } from './sources.js';
import { inventoryAt } from './topology.js';

const NAME = 'interlock backup';

/** `interlock backup DIR`. Throws ConfigError, StoreError and InterlockError; nothing is left then. */
export async function runBackup(directory: string, note: Note): Promise<BackupReport> {
  const loaded = loadConfig();
  const { config } = loaded;
  const { mongoUrl, amqpUrl } = requireServers(config);
  const sources = sourcesOf(loaded, process.env, process.cwd());
  await refuseInside(directory, sources);
  const logger = roleLogger({ log: { ...config.log, level: 'error' } }, 'backup', NAME);
  const store = await openStoreOnce(config, mongoUrl, { appName: NAME, log: logger });
  try {
    const { version } = await store.ping();
    return await interruptible(signal =>
      backup(
        {
          archive: store.archive,
          inventory: (queues, workers) => inventoryAt(openBroker(config, amqpUrl, NAME, logger), queues, workers),
          sources,
          inForce: inForce(loaded),
          versions: { ...versions(), mongo: version },
          clock: system.clock,
          note,
          signal,
        },
        directory,
      ),
    );
  } finally {
    await store.close();
    await logger.close();
  }
}

/** A backup in a folder that it takes would take itself. */
async function refuseInside(directory: string, sources: readonly Source[]): Promise<void> {
  const place = await realOf(resolve(directory));
  for (const { root, tops } of sources) {
    for (const top of tops) {
      const folder = await realOf(join(root, top));
      if (!isWithin(place, folder)) continue;
      throw new InterlockError(
        'CONFLICT',
        `${directory} lies in ${folder}, which is backed up itself. Choose a folder elsewhere.`,
      );
    }
  }
}

/** Of what is not there yet, by its parent. */
async function realOf(path: string): Promise<string> {
  if (path === '/') return path;
  return realpath(path).catch(async () => join(await realOf(dirname(path)), basename(path)));
}
