import { refuseNewcomers, untilQuiet } from '../backup/quiet.js';
import type { Config } from '../config/schema.js';
import { system } from '../process/system.js';
import type { MongoStore } from '../store/mongo/store.js';
import { interruptible } from './backup/interruptible.js';

/**
 * Before a schema is raised: nobody may live who knows only the one before. The mark comes first, so that whoever starts from now on meets it. A
 * process that did not say goodbye is watched as a beat would watch it and then called missing: should it only have been frozen, its next heartbeat ends it.
 * Throws InterlockError `CONFLICT` that names who lives; then nothing was changed.
 */
export async function readyForUpgrade(store: MongoStore, { timing }: Pick<Config, 'timing'>): Promise<void> {
  const upgrade = await store.beginUpgrade();
  if (!upgrade) return;
  const note = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    await interruptible(async signal => {
      const deps = { processes: store.processes, timing, runtime: system, note, signal, what: 'run `interlock manage-db`' };
      const dead = await untilQuiet(deps);
      for (const process of await store.processes.list())
        if (dead.has(process.incarnation)) await store.processes.declareMissing(process, { lapsed: true });
      await refuseNewcomers(deps, dead);
    });
  } catch (error) {
    await store.abandonUpgrade(upgrade);
    throw error;
  }
}
