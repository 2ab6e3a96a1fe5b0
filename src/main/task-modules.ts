import { fileURLToPath } from 'node:url';

import { ConfigError } from '../config/config-error.js';
import type { Config } from '../config/schema.js';
import { catalogueOf, type TypeCatalogue } from '../dispatch/type-catalogue.js';
import { TaskModuleError } from '../tasks/load-modules/load-modules.js';
import { Registry } from '../tasks/registry.js';

/** The file plugin's own, then the user's. Paths count from the folder in which the process was started. */
export function taskModules(config: Config): string[] {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return [fileURLToPath(new URL(`../plugins/file/tasks.${extension}`, import.meta.url)), ...config.taskModules];
}

/** The types by which submissions are checked. Throws ConfigError for a module that cannot be loaded. */
export async function loadTypes(config: Config): Promise<TypeCatalogue> {
  try {
    return catalogueOf(await Registry.load(taskModules(config), process.cwd()));
  } catch (error) {
    throw asSetting(error);
  }
}

/** A module that cannot be loaded is a fault of the settings: starting again would not help. */
export function asSetting(error: unknown): unknown {
  if (!(error instanceof TaskModuleError)) return error;
  return new ConfigError([{ key: 'taskModules', source: 'INTERLOCK_TASK_MODULES', detail: error.message }]);
}
