import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { identify, isGone } from '../../process/identity.js';

export interface OwnFolder {
  path: string;
  remove(): void;
}

/** A folder of this command alone, `<pid>-<start ticks>`. Those of commands that were killed are removed by the next one. */
export function ownFolder(base: string): OwnFolder {
  mkdirSync(base, { recursive: true });
  for (const name of readdirSync(base)) {
    const [, pid, ticks] = /^(\d+)-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && isGone(Number(pid), Number(ticks))) remove(join(base, name));
  }
  const { pid, startTicks } = identify();
  const path = join(base, `${pid}-${startTicks}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, remove: () => remove(path) };
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
