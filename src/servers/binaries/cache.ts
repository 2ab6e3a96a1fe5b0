import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, nameOf } from '../processes/identity.js';
import { withLock } from '../processes/lock.js';

/** Where binaries are kept, and where a line per step goes. */
export interface Cache {
  folder: string;
  report: (line: string) => void;
}

export interface Recipe {
  /** With the version of what is fetched and of how it is unpacked: another recipe is another folder. */
  name: string;
  /** Such as "RabbitMQ from Debian's packages", for the line of progress. */
  title: string;
  /** Fills an empty folder, which is then moved: nothing in it may know its path. What it gives is kept as `facts`. */
  build(into: string): Promise<Record<string, string>>;
}

export interface Cached {
  path: string;
  facts: Record<string, string>;
}

const MARKER = 'complete.json';
const LOCK_WAIT_MS = 15 * 60_000; // a slow line needs minutes for 100 MB

/**
 * Gives the folder of a recipe, building it when it is not there. It is built beside its place and moved as a whole with
 * the marker inside, so that a folder is complete or absent, wherever a set-up was interrupted. Two commands that want the same
 * one take turns.
 */
export async function cached(cache: Cache, recipe: Recipe): Promise<Cached> {
  const found = readCached(cache, recipe.name);
  if (found) return found;
  const path = join(cache.folder, recipe.name);
  return withLock(join(cache.folder, `${recipe.name}.lock`), LOCK_WAIT_MS, async () => {
    const meanwhile = readCached(cache, recipe.name);
    if (meanwhile) return meanwhile;
    removeLeftovers(cache.folder, recipe.name);
    const started = Date.now();
    cache.report(`preparing ${recipe.title} ...`);
    const building = join(cache.folder, `${recipe.name}.building.${nameOf(identify(process.pid))}`);
    mkdirSync(building, { recursive: true });
    try {
      const facts = await recipe.build(building);
      writeFileSync(join(building, MARKER), JSON.stringify(facts));
      renameSync(building, path);
      cache.report(`${recipe.title} is ready (${seconds(started)} s)`);
      return { path, facts };
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
  });
}

/** The folder of a recipe if it is complete. */
export function readCached(cache: Cache, name: string): Cached | undefined {
  const path = join(cache.folder, name);
  try {
    return { path, facts: JSON.parse(readFileSync(join(path, MARKER), 'utf8')) as Record<string, string> };
  } catch {
    return undefined;
  }
}

/** Called under the lock: whatever is not complete belongs to a set-up that was killed. */
function removeLeftovers(folder: string, name: string): void {
  const path = join(folder, name);
  if (existsSync(path)) rmSync(path, { recursive: true, force: true });
  for (const entry of readdirSync(folder)) {
    if (entry.startsWith(`${name}.building.`)) rmSync(join(folder, entry), { recursive: true, force: true });
  }
}

export function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}
