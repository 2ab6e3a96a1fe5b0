import { fileURLToPath } from 'node:url';

import type { Config } from '../config/schema.js';
import { catalogueOf, type TypeCatalogue } from '../dispatch/type-catalogue.js';
import { Registry } from '../tasks/registry.js';

/** The file plugin's own, then the user's. Paths count from the folder in which the process was started. */
export function taskModules(config: Config): string[] {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return [fileURLToPath(new URL(`../plugins/file/tasks.${extension}`, import.meta.url)), ...config.taskModules];
}

/** The types by which submissions are checked. Throws TaskModuleError. */
export async function loadTypes(config: Config): Promise<TypeCatalogue> {
  return catalogueOf(await Registry.load(taskModules(config), process.cwd()));
}
