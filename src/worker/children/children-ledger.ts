import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { identify } from '../../process/identity.js';
import { silentLog, type Log } from '../../process/log.js';
import type { Timers } from '../../process/runtime.js';
import { system } from '../../process/system.js';
import { endRemains, remainsOf, type ChildIdentity } from './remains.js';

interface Entry extends ChildIdentity {
  bootId: string;
  pidNamespace: string;
}

/** `<worker>/children/<pid>`: which children a worker has, for whoever finds that worker dead. */
export class ChildrenLedger {
  readonly #directory: string;

  constructor(workerDirectory: string) {
    this.#directory = path.join(workerDirectory, 'children');
  }

  create(): void {
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  /** Returns only when it is written: user code is loaded after this. A crash midway leaves a child that has run nothing. */
  record(child: ChildIdentity): void {
    const { bootId, pidNamespace } = identify();
    const entry: Entry = { ...child, bootId, pidNamespace };
    writeFileSync(path.join(this.#directory, String(child.pid)), JSON.stringify(entry), { mode: 0o600 });
  }

  forget(child: ChildIdentity): void {
    rmSync(path.join(this.#directory, String(child.pid)), { force: true });
  }

  /** The recorded children of this boot and pid namespace; those of another are gone with it, and their pids mean nothing here. */
  read(): ChildIdentity[] {
    const here = identify();
    return files(this.#directory)
      .map(parseEntry)
      .filter(entry => entry?.bootId === here.bootId && entry.pidNamespace === here.pidNamespace)
      .filter(entry => entry !== undefined);
  }
}

/** The children that a former process of this worker left and that still run, or whose descendants do. */
export function leftoversOf(workerDirectory: string): ChildIdentity[] {
  return new ChildrenLedger(workerDirectory).read().filter(child => remainsOf(child).length > 0);
}

/**
 * Kills whatever the ledger of a dead worker names, and resolves when each is seen gone: no /proc entry, another start time, or state
 * Z or X. Call it only when the worker process itself is known to be dead. Does nothing where there is no such directory.
 */
export async function killLeftovers(
  workerDirectory: string,
  log: Log = silentLog,
  timers: Timers = system.timers,
): Promise<void> {
  const ledger = new ChildrenLedger(workerDirectory);
  await Promise.all(
    ledger.read().map(async child => {
      await endRemains(child, { justDied: false, timers, log });
      ledger.forget(child);
    }),
  );
}

function files(directory: string): string[] {
  try {
    return readdirSync(directory).map(name => path.join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function parseEntry(file: string): Entry | undefined {
  try {
    const entry = JSON.parse(readFileSync(file, 'utf8')) as Partial<Entry>;
    const whole = Number.isInteger(entry.pid) && Number.isInteger(entry.startTicks) && typeof entry.marker === 'string';
    return whole && typeof entry.bootId === 'string' ? (entry as Entry) : undefined;
  } catch {
    return undefined; // cut off by a crash: its child had not been told to load anything
  }
}
