import { accessSync, constants, mkdirSync, statSync } from 'node:fs';

import { ConfigError } from '../config/config-error.js';
import type { Config } from '../config/schema.js';

/** Makes the folders that a role writes to. Throws ConfigError for those that it could not write to. */
export function makeFolders(config: Config, keys: readonly ('dataDirectory' | 'workingDirectory')[]): void {
  const problems = keys.flatMap(key => {
    const path = config[key];
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      accessSync(path, constants.W_OK | constants.X_OK);
      return openToAll(path) ? [{ key, source: path, detail: 'everybody may write to it: expected mode 700' }] : [];
    } catch (error) {
      return [{ key, source: path, detail: `expected a folder that this user can write to: ${(error as Error).message}` }];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Whoever may rename what is in it can put something else in the place of a task's folder; with the sticky bit only owners may. */
function openToAll(path: string): boolean {
  const { mode } = statSync(path);
  return (mode & 0o002) !== 0 && (mode & 0o1000) === 0;
}
