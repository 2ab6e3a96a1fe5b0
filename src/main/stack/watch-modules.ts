import { existsSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

/** Editors write a file in several steps. */
const SETTLE_MS = 300;

/**
 * Calls `changed` with a file's name when something with code changes in a folder that holds a task module. Packages are not
 * watched. Returns how to stop.
 */
export function watchModules(taskModules: readonly string[], changed: (file: string) => void): () => void {
  const files = taskModules.map(name => resolve(name)).filter(path => existsSync(path));
  const folders = new Set(files.map(file => dirname(file)));
  let timer: NodeJS.Timeout | undefined;
  const heard = (file: string | null): void => {
    if (file === null || !/\.([cm]?[jt]s|json)$/.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => changed(basename(file)), SETTLE_MS);
  };
  const watchers: FSWatcher[] = [...folders].map(folder => {
    const watcher = watch(folder, (_, file) => heard(file));
    watcher.on('error', () => watcher.close()); // the folder is gone: nothing to reload from it any more
    return watcher;
  });
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
