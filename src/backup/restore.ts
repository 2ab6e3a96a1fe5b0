import type { ArchiveStore, Change, Standing, Unfinished } from '../store/archive.js';
import { changeOf } from './change.js';
import { explained, refused } from './damaged.js';
import { entriesOf, examine, type Examining } from './examine.js';
import { named } from './folders/names.js';
import { differences, place, type Placed } from './folders/place.js';
import { loadAll, type LoadReport } from './load.js';
import type { FolderKind, Manifest } from './manifest.js';
import { refuseNewcomers, untilQuiet, type QuietDeps } from './quiet.js';
import { readTopology } from './record.js';

export interface RestoreDeps extends Examining, Omit<QuietDeps, 'note' | 'signal'> {
  archive: ArchiveStore;
  /** Makes exchanges and queues where they are missing; false when the broker does not answer: the first role that reaches it makes them. */
  topology: (queues: readonly string[], workers: readonly string[]) => Promise<boolean>;
  /** Where content and working folder are now. */
  roots: { content: string; work: string };
  /** Who restores, for the mark. */
  by: string;
}

export interface RestoreOptions {
  requeue: boolean;
  replace: boolean;
  /** Leaves files alone. */
  databaseOnly: boolean;
}

export interface RestoreReport extends LoadReport {
  id: string;
  cutAt: string;
  generation: number;
  files: Placed;
  broker: 'up' | 'away';
}

/**
 * Six steps: settings and keys, files, broker, database, then the operator starts the services; the tasks that were not final are canceled on their way in,
 * before any service can see them. Everything is checked before anything is touched. Throws InterlockError, StoreError.
 */
export async function restore(deps: RestoreDeps, directory: string, options: RestoreOptions): Promise<RestoreReport> {
  const { archive, note } = deps;
  try {
    const from = { folder: directory, manifest: await examine(directory, deps) };
    note('the backup is whole');
    const standing = await admit(deps, from, options);
    const dead = await untilQuiet(deps);
    const change = changeOf(from.manifest, standing, options.requeue);
    const touched = new Touched(archive, standing);
    try {
      await touched.mark(from.manifest.id, deps.by, change.at);
      await refuseNewcomers(deps, dead);
      return await allSteps(deps, from, { change, options, touched });
    } catch (error) {
      throw await touched.undone(error);
    }
  } catch (error) {
    throw explained(error, 'The restore failed');
  }
}

interface From {
  folder: string;
  manifest: Manifest;
}

/** Throws InterlockError for what a restore would overwrite unasked. */
async function admit(deps: RestoreDeps, from: From, { replace, databaseOnly }: RestoreOptions): Promise<Standing> {
  const standing = await deps.archive.standing();
  if (standing.occupied.length > 0 && !replace && !standing.unfinished) {
    throw refused(
      `The database "${deps.archive.database}" is not empty (${standing.occupied.join(', ')}). Restore into an empty one, or give --replace: then everything in ` +
        'it is lost. Nothing was changed.',
    );
  }
  if (!replace && !databaseOnly) await refuseDifferences(from, deps.roots);
  return standing;
}

async function allSteps(
  deps: RestoreDeps,
  from: From,
  { change, options, touched }: { change: Change; options: RestoreOptions; touched: Touched },
): Promise<RestoreReport> {
  const { archive, note } = deps;
  const files: Placed = { written: 0, same: 0, replaced: 0 };
  if (!options.databaseOnly) {
    note('step 1: settings, certificates and keys');
    add(files, await placeFolders(from, ['settings', 'include'], deps));
    note('step 2: content and working folder');
    add(files, await placeFolders(from, ['content', 'work'], deps));
  }
  note('step 3: exchanges and queues');
  const broker = (await restoreTopology(deps, from)) ? 'up' : 'away';
  note(
    `step 4: database "${archive.database}"; tasks that were not final are ${change.requeue ? 'queued again where their type allows it' : 'canceled'}`,
  );
  const loaded = await loadAll(archive, from, change, deps);
  deps.signal.throwIfAborted();
  note('  switching over, building indexes …');
  touched.noWayBack();
  await archive.switchOver(change);
  await archive.unmark();
  const { id, database } = from.manifest;
  return { ...loaded, id, cutAt: database.cut.at, generation: change.given.generation, files, broker };
}

/** What has to be undone, or cannot be, when a restore fails. */
class Touched {
  readonly #archive: ArchiveStore;
  readonly #found: Unfinished | undefined;
  #wayBack: boolean;
  #marked = false;

  constructor(archive: ArchiveStore, { unfinished }: Standing) {
    this.#archive = archive;
    this.#found = unfinished;
    // What an interrupted one has begun to switch is no database that anybody could use.
    this.#wayBack = unfinished?.phase !== 'switching';
  }

  async mark(backup: string, by: string, startedAt: Date): Promise<void> {
    await this.#archive.mark({ backup, by, startedAt, phase: this.#wayBack ? 'loading' : 'switching' }, this.#found);
    this.#marked = true;
    await this.#archive.abandon();
  }

  noWayBack(): void {
    this.#wayBack = false;
  }

  /** The error, with how things stand. */
  async undone(error: unknown): Promise<unknown> {
    if (!this.#marked) return error;
    if (!this.#wayBack) return told(error, 'The database is half restored, and no role starts on it: run the restore again.');
    try {
      await this.#archive.abandon();
      await this.#archive.unmark();
    } catch {
      return told(error, 'The database could not be put in order: no role starts on it until the restore is run again.');
    }
    return told(error, 'The database is as it was before.');
  }
}

function told(error: unknown, how: string): unknown {
  if (error instanceof Error) error.message = `${error.message.replace(/ Nothing was changed\.$/, '')} ${how}`;
  return error;
}

/** Step 1 alone, for a machine that has no settings yet. Throws InterlockError. */
export async function restoreSettings(
  deps: Examining,
  directory: string,
  replace: boolean,
): Promise<{ id: string; files: Placed }> {
  try {
    const from = { folder: directory, manifest: await examine(directory, deps) };
    if (!replace) await refuseDifferences(from, undefined);
    return { id: from.manifest.id, files: await placeFolders(from, ['settings', 'include'], deps) };
  } catch (error) {
    throw explained(error, 'The restore failed');
  }
}

async function refuseDifferences({ folder, manifest }: From, roots: RestoreDeps['roots'] | undefined): Promise<void> {
  const found: string[] = [];
  for (const part of manifest.folders) {
    const root = rootOf(part.kind, roots);
    if (root !== undefined) found.push(...(await differences(entriesOf(folder, part), named(root))));
  }
  if (found.length === 0) return;
  const which = found.slice(0, 10).join('\n  ');
  throw refused(
    `Other files stand where the backup's belong:\n  ${which}\nMove them away, or give --replace (settings are kept beside as *.before-restore-TIME), or ` +
      '--database-only, which leaves all files alone. Nothing was changed.',
  );
}

async function placeFolders(
  { folder, manifest }: From,
  kinds: readonly FolderKind[],
  { note, signal, clock, ...deps }: Examining & Partial<Pick<RestoreDeps, 'roots'>>,
): Promise<Placed> {
  const total: Placed = { written: 0, same: 0, replaced: 0 };
  const stamp = clock
    .wall()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '');
  for (const part of manifest.folders.filter(({ kind }) => kinds.includes(kind))) {
    const root = rootOf(part.kind, deps.roots);
    if (root === undefined) continue;
    const keep = root === '/' ? { keepAs: `.before-restore-${stamp}` } : {};
    const placed = await place(entriesOf(folder, part), { root: named(root), signal, ...keep });
    note(`  ${part.kind}: ${placed.written} written, ${placed.same} were there, ${placed.replaced} replaced`);
    add(total, placed);
  }
  return total;
}

/** Settings go where they were; content and working folder where the settings of today want them. */
function rootOf(kind: FolderKind, roots: RestoreDeps['roots'] | undefined): string | undefined {
  if (kind === 'settings' || kind === 'include') return '/';
  return roots?.[kind];
}

function add(total: Placed, more: Placed): void {
  total.written += more.written;
  total.same += more.same;
  total.replaced += more.replaced;
}

async function restoreTopology({ topology, note }: RestoreDeps, { folder, manifest }: From): Promise<boolean> {
  const { queues, workers } = await readTopology(folder, manifest.broker.path);
  const reached = await topology(queues, workers);
  note(
    reached
      ? `  ${queues.length} queues of tasks are there`
      : '  the broker does not answer; the first role that reaches it makes them',
  );
  return reached;
}
