import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { run } from '../processes/command.js';
import { SetupError } from '../setup-error.js';

/**
 * Debian packages are not pinned by a checksum of ours: apt checks every one against the distribution's index, and the
 * index against the keys that came with the system. apt is given state and cache folders of its own, so nothing of the
 * system is changed and no root is needed.
 */
export interface DebianSource {
  /** Folder for apt's state; may be removed afterwards. */
  work: string;
  /** Debian architecture such as `arm64`; the machine's own when absent. */
  architecture?: string;
  /** Lines of a sources.list; the machine's own when absent. */
  sources?: readonly string[];
  /** Which installed packages count as there and are not fetched again; none when absent. */
  counts?: (packageName: string) => boolean;
}

const UPDATE_MS = 180_000;
const DOWNLOAD_MS = 600_000;
const UNPACK_MS = 120_000;

/**
 * Downloads packages with all they depend on and gives the paths of the .deb files.
 * @throws SetupError `command-missing` without apt, `command-failed`
 */
export async function downloadPackages(source: DebianSource, packages: readonly string[]): Promise<string[]> {
  const apt = openApt(source);
  await update(apt, source);
  await apt(['install', '--yes', '--download-only', '--no-install-recommends', ...packages], DOWNLOAD_MS);
  return debFiles(join(source.work, 'cache', 'archives'));
}

/** Downloads one package alone, without what it depends on. */
export async function downloadAlone(source: DebianSource, name: string): Promise<string> {
  const apt = openApt(source);
  await update(apt, source);
  await apt(['download', name], DOWNLOAD_MS);
  const [file] = debFiles(source.work);
  if (file === undefined) throw new SetupError('command-failed', `apt-get download ${name} ended well but left no file`);
  return file;
}

/** apt takes a mirror that it cannot reach for a warning, and then knows no package. One list is enough to go on. */
async function update(apt: Apt, source: DebianSource): Promise<void> {
  await apt(['update'], UPDATE_MS);
  const lists = readdirSync(join(source.work, 'state/lists'));
  if (lists.some(name => name.includes('_Packages'))) return;
  throw new SetupError('command-failed', 'apt-get reaches none of the package mirrors that this machine is set to');
}

/** Unpacks .deb files below `root`; with `members` only those paths of each, such as `./usr/bin/qemu-aarch64-static`. */
export async function unpackPackages(files: readonly string[], root: string, members: readonly string[] = []): Promise<void> {
  mkdirSync(root, { recursive: true });
  for (const file of files) {
    if (members.length === 0) await run('dpkg-deb', ['-x', file, root], { timeoutMs: UNPACK_MS });
    else {
      const script = 'file=$1 root=$2; shift 2; dpkg-deb --fsys-tarfile "$file" | tar -x -C "$root" "$@"';
      await run('/bin/sh', ['-c', script, 'unpack', file, root, ...members], { timeoutMs: UNPACK_MS });
    }
  }
}

type Apt = (args: readonly string[], timeoutMs: number) => Promise<string>;

function openApt(source: DebianSource): Apt {
  const { work, architecture, sources } = source;
  for (const folder of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(work, folder), { recursive: true });
  const status = join(work, 'status');
  writeFileSync(status, source.counts ? installed(source.counts) : '');
  const settings = [`Dir::State=${join(work, 'state')}`, `Dir::State::status=${status}`, `Dir::Cache=${join(work, 'cache')}`];
  // Else apt, run by root, changes to a user that may not read this folder.
  settings.push(
    `APT::Sandbox::User=${userInfo().username}`,
    'Acquire::Retries=1',
    'Acquire::http::Timeout=15',
    'Acquire::Languages=none',
  );
  if (architecture) settings.push(`APT::Architecture=${architecture}`, `APT::Architectures::=${architecture}`);
  if (sources) {
    writeFileSync(join(work, 'sources.list'), sources.join('\n') + '\n');
    settings.push(`Dir::Etc::sourcelist=${join(work, 'sources.list')}`, 'Dir::Etc::sourceparts=/dev/null');
  }
  const options = settings.flatMap(setting => ['-o', setting]);
  return (args, timeoutMs) => run('apt-get', ['-qq', ...options, ...args], { cwd: work, timeoutMs });
}

const INSTALLED = '/var/lib/dpkg/status';

/** The part of dpkg's list that describes the packages to count. */
function installed(counts: (packageName: string) => boolean): string {
  if (!existsSync(INSTALLED)) return '';
  const stanzas = readFileSync(INSTALLED, 'utf8').split('\n\n');
  return stanzas.filter(stanza => counts(/^Package: (\S+)/m.exec(stanza)?.[1] ?? '')).join('\n\n') + '\n';
}

function debFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.deb'))
    .map(name => join(folder, name));
}

export function removeAptFolder(work: string): void {
  rmSync(work, { recursive: true, force: true });
}

/** The mirror that this machine takes Debian from; undefined on a machine that is not Debian's. */
export function debianMirror(): string | undefined {
  const listed = sourceFiles().flatMap(file => [
    ...readFileSync(file, 'utf8').matchAll(/^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+)/gm),
  ]);
  const mirrors = listed.map(match => match[1]).filter(uri => uri !== undefined);
  return mirrors.find(uri => /\/debian\/?$/.test(uri));
}

function sourceFiles(): string[] {
  const parts = '/etc/apt/sources.list.d';
  const listed = existsSync(parts) ? readdirSync(parts).map(name => join(parts, name)) : [];
  return ['/etc/apt/sources.list', ...listed].filter(file => /\.(list|sources)$/.test(file) && existsSync(file));
}

/** Debian's keys as the system keeps them. Debian 13 has them as .pgp too. */
export function debianKeyring(): string | undefined {
  const base = '/usr/share/keyrings/debian-archive-keyring';
  return [`${base}.gpg`, `${base}.pgp`].find(path => existsSync(path));
}
