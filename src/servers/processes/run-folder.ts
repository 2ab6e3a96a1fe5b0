import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, nameOf, parseName, sight, signalGroup, type ProcessIdentity } from './identity.js';

/**
 * The folder of one command's servers, `<base>/<owner's pid>-<start ticks>`; a second one of the same process gets `-2`.
 * `processes/` in it holds an empty file per started process, named `<what>.<pid>-<start ticks>`: a name is written
 * whole or not at all.
 */
export interface RunFolder {
  readonly path: string;
  readonly owner: ProcessIdentity;
}

export function createRunFolder(base: string): RunFolder {
  const owner = identify(process.pid);
  mkdirSync(base, { recursive: true });
  for (let n = 1; ; n++) {
    const path = join(base, n === 1 ? nameOf(owner) : `${nameOf(owner)}-${n}`);
    try {
      mkdirSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    writeFileSync(join(path, 'view'), ourView());
    mkdirSync(join(path, 'processes'));
    return { path, owner };
  }
}

export function record(folder: RunFolder, what: string, identity: ProcessIdentity): void {
  writeFileSync(join(folder.path, 'processes', `${what}.${nameOf(identity)}`), '');
}

export function removeRunFolder(folder: RunFolder): void {
  rmSync(folder.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/**
 * Ends what commands that were killed have left under `base`, and removes their folders. Never touches anything of a
 * living owner. Gives the names of the folders that were removed.
 */
export async function sweepRunFolders(base: string): Promise<string[]> {
  mkdirSync(base, { recursive: true });
  const abandoned = readdirSync(base)
    .map(name => join(base, name))
    .filter(isAbandoned);
  const removed = [];
  for (const path of abandoned) if (await endAbandoned(path)) removed.push(basename(path));
  return removed;
}

async function endAbandoned(path: string): Promise<boolean> {
  try {
    const left = recordedProcesses(path);
    for (const identity of left) signalGroup(identity, 'SIGKILL');
    // With a process left, the records are all that another start has to find it.
    if (!(await gone(left, 5_000))) return false;
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    return true;
  } catch (error) {
    // Another user's, whose next start will see to it.
    if (['EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function isAbandoned(path: string): boolean {
  const owner = parseName(basename(path));
  if (!owner) return false;
  const view = readText(join(path, 'view'));
  // A checkout may be mounted into several containers at once. Pids of another one say nothing here, so its folders
  // stay until the next boot, after which they belong to nobody.
  if (view !== undefined && view !== ourView()) return view.split(' ')[0] !== ourView().split(' ')[0];
  return sight(owner) !== 'alive';
}

/** The boot and the pid namespace in which this process sees pids. */
function ourView(): string {
  return `${readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '?'} ${readlinkSync('/proc/self/ns/pid')}`;
}

function recordedProcesses(path: string): ProcessIdentity[] {
  try {
    return readdirSync(join(path, 'processes'))
      .map(parseName)
      .filter(identity => identity !== undefined);
  } catch {
    return []; // killed between the two mkdir: nothing was started yet
  }
}

async function gone(left: ProcessIdentity[], timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  const alive = () => left.some(identity => sight(identity) === 'alive');
  while (alive() && Date.now() < deadline) await sleep(20);
  return !alive();
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
