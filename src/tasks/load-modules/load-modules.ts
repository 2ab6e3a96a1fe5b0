import { existsSync, statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { hooksOf, type Hooks } from './hooks.js';
import { packageFrom, type HookData } from './rules.js';

/** A task module that cannot be used. `message` names the module, the export where there is one, and what to do. */
export class TaskModuleError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TaskModuleError';
  }
}

export interface TaskModule {
  /** As it was asked for. */
  specifier: string;
  /** What its plain functions are called after: the file's name without extension, or the last part of the package's. */
  prefix: string;
  exports: Readonly<Record<string, unknown>>;
}

/** Imports one module; a path counts from `fromDirectory`, and so does the search for a package. Throws TaskModuleError. */
export async function loadModule(specifier: string, fromDirectory: string): Promise<TaskModule> {
  registerHooks();
  const file = fileOf(specifier, fromDirectory);
  const parent = pathToFileURL(path.join(fromDirectory, 'task-modules.js')).href;
  const url = file ? pathToFileURL(file).href : packageFrom(specifier, parent);
  const prefix = file ? path.basename(file, path.extname(file)) : path.posix.basename(specifier);
  try {
    const exports = (await import(url)) as Record<string, unknown>;
    return { specifier, prefix, exports };
  } catch (error) {
    throw new TaskModuleError(
      `The task module "${specifier}" (from ${fromDirectory}) cannot be loaded: ${describe(error)}`,
      error,
    );
  }
}

/** Undefined for a package. */
function fileOf(specifier: string, fromDirectory: string): string | undefined {
  const isPath = /^(\.{1,2}\/|\/|file:)/.test(specifier);
  const file = specifier.startsWith('file:') ? new URL(specifier).pathname : path.resolve(fromDirectory, specifier);
  if (!isPath && !(existsSync(file) && statSync(file).isFile())) return undefined;
  if (!existsSync(file)) throw new TaskModuleError(`The task module "${specifier}" does not exist: there is no file ${file}.`);
  if (!statSync(file).isFile()) throw new TaskModuleError(`The task module "${specifier}" is a folder; name a file in it.`);
  return file;
}

let registered = false;

// Once a process: hooks cannot be taken back. A runtime that runs this very file as .ts (tsx) strips types itself. A Node that can
// do so too is not relied on: it keeps unused imports and knows no `./x.js` for x.ts, so the same module would behave otherwise there.
function registerHooks(): void {
  if (registered) return;
  registered = true;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const data: HookData = { surface: new URL(`../../index.${extension}`, import.meta.url).href, strip: extension === 'js' };
  const { registerHooks: inThread } = nodeModule as { registerHooks?: (hooks: Hooks) => unknown };
  if (inThread) inThread(hooksOf(data));
  else nodeModule.register(`./hooks-off-thread.${extension}`, import.meta.url, { data });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const where = /^\s+at .*$/m.exec(error.stack ?? '')?.[0].trim();
  return where === undefined || where.includes('node:internal') ? error.message : `${error.message} (${where})`;
}
