import type { JsonObject } from '../../core/json.js';
import type { TaskContext } from '../../tasks/context.js';
import { writeCatalogue } from './catalogue.js';
import { ContentStore, type Incoming } from './content.js';
import { Origin } from './download.js';
import { SyncFailure } from './failure.js';
import { MANIFEST, parseManifest, type Entry } from './manifest.js';
import { fileUrl, folderOf } from './origin-url.js';
import { inParallel } from './parallel.js';
import { withRetries } from './retry.js';
import { versionUrl } from './repository.js';
import type { Settings } from './settings.js';

/** Downloads at a time: enough to hide the round trips, few enough not to be a burden to the origin. */
const DOWNLOADS = 6;
const LOOKS = 32;

export interface SyncResult {
  version: number;
  /** False: the origin has what the newest version has. */
  created: boolean;
  files: number;
  bytes: number;
  downloaded: { files: number; bytes: number };
}

interface Begun {
  uid: string;
  settings: Settings;
  dataDirectory: string;
  allowPrivateOrigins: boolean;
}

/**
 * Mirrors the origin of one repository: its manifest, then what of its files is not stored yet, then the new version, which exists only when
 * all is there. However it ends, nothing unfinished is left; files that were verified stay for the next sync.
 * Throws SyncFailure, or what the services throw, or the signal's reason.
 */
export async function sync(repository: string, ctx: TaskContext): Promise<SyncResult> {
  const begun = (await ctx.service('file.begin', { repository })) as unknown as Begun;
  const folder = folderOf(urlOf(begun.settings, repository));
  const content = new ContentStore(begun.dataDirectory);
  const origin = new Origin(begun.settings, begun);
  const incoming = await content.receive(repository, `${ctx.id}.${ctx.attempt}`);
  try {
    const entries = await readManifest(origin, folder, ctx.signal);
    const missing = await findMissing(entries, content, ctx.signal);
    await ensureSpace(missing, content);
    await downloadAll(missing, { origin, folder, incoming }, ctx);
    const manifest = await writeCatalogue(entries, incoming);
    ctx.signal.throwIfAborted();
    const found = { manifest: manifest.sha256, manifestSize: manifest.size, files: entries.length, bytes: sizeOf(entries) };
    const { version, created } = await addVersion(ctx, { repository, uid: begun.uid, ...found });
    if (created) ctx.createdResource(versionUrl(repository, version));
    return {
      version,
      created,
      files: found.files,
      bytes: found.bytes,
      downloaded: { files: missing.length, bytes: sizeOf(missing) },
    };
  } finally {
    await origin.close();
    await incoming.remove();
  }
}

async function readManifest(origin: Origin, folder: URL, signal: AbortSignal): Promise<Entry[]> {
  return withRetries(signal, async () => {
    const { chunks } = await origin.get(fileUrl(folder, MANIFEST), signal);
    return parseManifest(chunks);
  });
}

/** One entry for each content that is not stored, under whichever name it came first. */
async function findMissing(entries: readonly Entry[], content: ContentStore, signal: AbortSignal): Promise<Entry[]> {
  const unique = new Map(entries.toReversed().map(entry => [entry.sha256, entry]));
  const absent = new Set<string>();
  await inParallel([...unique.values()], LOOKS, signal, async entry => {
    if (!(await content.has(entry))) absent.add(entry.sha256);
  });
  return entries.filter(entry => absent.has(entry.sha256) && unique.get(entry.sha256) === entry);
}

async function ensureSpace(missing: readonly Entry[], content: ContentStore): Promise<void> {
  const needed = sizeOf(missing);
  const free = await content.free();
  if (needed > free) throw new SyncFailure('DISK_FULL', `${needed} bytes are to be downloaded, and the disk has ${free} left.`);
}

interface Transfer {
  origin: Origin;
  folder: URL;
  incoming: Incoming;
}

async function downloadAll(missing: readonly Entry[], transfer: Transfer, ctx: TaskContext): Promise<void> {
  const files = ctx.progress('sync.downloading', { message: 'Downloading files', total: missing.length, suffix: 'files' });
  const bytes = ctx.progress('sync.receiving', { message: 'Receiving', total: sizeOf(missing), suffix: 'bytes' });
  await inParallel(missing, DOWNLOADS, ctx.signal, async (entry, signal) => {
    await withRetries(signal, () => download(entry, transfer, signal, n => bytes.increment(n)));
    files.increment();
  });
  files.end();
  bytes.end();
}

/** `received` hears how much came, and with a negative number what a download that broke had brought in vain. */
async function download(
  entry: Entry,
  { origin, folder, incoming }: Transfer,
  signal: AbortSignal,
  received: (bytes: number) => void,
): Promise<void> {
  let bytes = 0;
  try {
    const { length, chunks, drop } = await origin.get(fileUrl(folder, entry.name), signal);
    if (length !== undefined && length !== entry.size) {
      drop();
      throw new SyncFailure('SIZE_MISMATCH', `"${entry.name}" is to have ${entry.size} bytes; the origin announces ${length}.`);
    }
    await incoming.put(entry, chunks, n => {
      bytes += n;
      received(n);
    });
  } catch (error) {
    received(-bytes);
    throw error;
  }
}

async function addVersion(ctx: TaskContext, input: JsonObject): Promise<{ version: number; created: boolean }> {
  return (await ctx.service('file.addVersion', input)) as { version: number; created: boolean };
}

function urlOf({ url }: Settings, repository: string): string {
  if (url === null) throw new SyncFailure('ORIGIN_REFUSED', `The repository ${repository} has no url to sync from.`);
  return url;
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}
