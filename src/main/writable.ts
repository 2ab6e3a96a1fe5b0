import { accessSync, constants, mkdirSync } from 'node:fs';

import { ConfigError } from '../config/config-error.js';
import type { Config } from '../config/schema.js';

/** Makes the folders that a role writes to. Throws ConfigError for those that it could not write to. */
export function makeFolders(config: Config, keys: readonly ('dataDirectory' | 'workingDirectory')[]): void {
  const problems = keys.flatMap(key => {
    const path = config[key];
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      accessSync(path, constants.W_OK | constants.X_OK);
      return [];
    } catch (error) {
      return [{ key, source: path, detail: `expected a folder that this user can write to: ${(error as Error).message}` }];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
}
