import { resolve } from 'node:path';

import { InterlockError, MissingResource, invalid } from '../../core/errors.js';
import type { Json, JsonObject } from '../../core/json.js';
import { covers } from '../../core/subtree.js';
import { fenceOf, type Task } from '../../core/task.js';
import type { Documents } from '../../store/store.js';
import { ContentStore } from './content.js';
import type { OriginPolicy } from './origin-url.js';
import {
  bodyOf,
  existing,
  repositories,
  repositoryUrl,
  type Repositories,
  type Repository,
  type StoredRepository,
  type Version,
} from './repository.js';
import { Versions } from './versions.js';

export interface FileServiceDeps {
  documents: Documents;
  dataDirectory: string;
  settings: OriginPolicy;
}

/** The running task that asks, as its worker knows it: what it reserves and its fence are not taken from the child's word. */
export type Caller = Pick<Task, 'id' | 'exclusive' | 'grant' | 'attempt'>;
export type Service = (input: JsonObject, caller: Caller) => Promise<Json>;

/** Concurrent changes of one repository by people are few; its tasks exclude one another. */
const TRIES = 10;

/**
 * What the plugin's task code, which has no database, asks of its worker. All throw InterlockError: VALIDATION_FAILED for input that no
 * honest child sends, FORBIDDEN for a task that does not reserve the repository, MISSING_RESOURCE, CONFLICT, STORE_UNAVAILABLE.
 */
export function fileServices({ documents, dataDirectory, settings }: FileServiceDeps): Record<string, Service> {
  const records = repositories(documents);
  const versions = new Versions(documents);
  const content = new ContentStore(dataDirectory);
  return {
    'file.begin': async (input, caller) => {
      const repository = await admit(records, caller, textIn(input, 'repository'));
      // The child has another working directory, so a relative path would mean another place there.
      const { allowPrivateOrigins } = settings;
      return {
        uid: repository.uid,
        settings: { ...repository.settings },
        dataDirectory: resolve(dataDirectory),
        allowPrivateOrigins,
      };
    },
    'file.addVersion': async (input, caller) => {
      const found = foundIn(input);
      if (!(await content.has({ sha256: found.manifest, size: found.manifestSize }))) {
        throw invalid('/manifest', 'no manifest of this checksum and size is stored');
      }
      return addVersion({ records, versions }, caller, textIn(input, 'repository'), { uid: textIn(input, 'uid'), ...found });
    },
    'file.publish': (input, caller) => {
      const version = input.version === null ? null : countIn(input, 'version');
      return publish({ records, versions }, caller, textIn(input, 'repository'), version);
    },
  };
}

interface Stores {
  records: Repositories;
  versions: Versions;
}
type Found = Pick<Version, 'manifest' | 'manifestSize' | 'files' | 'bytes'>;

/** The version becomes part of the repository by the one write that counts it. Same manifest as the newest: nothing to add. */
async function addVersion(stores: Stores, caller: Caller, name: string, found: Found & { uid: string }): Promise<Json> {
  const { records, versions } = stores;
  const { uid, ...facts } = found;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const repository = await admit(records, caller, name);
    if (repository.uid !== uid) throw new MissingResource(`The repository ${name} that this sync began with`);
    const newest = await versions.get(repository, repository.latest);
    if (newest?.manifest === facts.manifest) return { version: newest.number, created: false };
    const number = repository.latest + 1;
    const version: Version = { number, ...facts, task: caller.id, createdAt: new Date() };
    if (!(await versions.prepare(repository, version))) continue;
    if (await replace(records, repository, { latest: number })) return { version: number, created: true };
  }
  throw contended(name);
}

/** Readers see the version from the next request on, whole; those under way keep what they began with. */
async function publish(stores: Stores, caller: Caller, name: string, wanted: number | null): Promise<Json> {
  const { records, versions } = stores;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const repository = await admit(records, caller, name);
    const version = await versions.get(repository, wanted ?? repository.latest);
    if (!version) throw noVersion(name, wanted);
    const { number, manifest, manifestSize, files, bytes } = version;
    if (repository.published?.version === number) return { version: number, changed: false };
    const published = { version: number, manifest, manifestSize, files, bytes, at: new Date() };
    if (await replace(records, repository, { published })) return { version: number, changed: true };
  }
  throw contended(name);
}

function noVersion(name: string, wanted: number | null): InterlockError {
  if (wanted !== null) return new MissingResource(`The version ${wanted} of the repository ${name}`);
  return new InterlockError('CONFLICT', `The repository ${name} has no version yet: sync it first.`);
}

/**
 * Reads the repository for a task that reserves it. The task's fence is recorded, so that an older task that was taken for dead
 * (a frozen machine) can write no more, neither before this nor after: its writes name a revision that is gone.
 */
async function admit(records: Repositories, caller: Caller, name: string): Promise<StoredRepository> {
  const fence = fenceOf(caller);
  if (fence === undefined || !caller.exclusive.some(held => held === repositoryUrl(name) || covers(held, repositoryUrl(name)))) {
    throw new InterlockError('FORBIDDEN', `The task ${caller.id} does not reserve ${repositoryUrl(name)}.`);
  }
  for (let tries = 0; tries < TRIES; tries += 1) {
    const repository = await existing(records, name);
    if (repository.fence === fence) return repository;
    if (repository.fence > fence) {
      throw new InterlockError('CONFLICT', `The repository ${name} was given to a later task than ${caller.id}.`);
    }
    const admitted = await replace(records, repository, { fence });
    if (admitted) return admitted;
  }
  throw contended(name);
}

async function replace(
  records: Repositories,
  repository: StoredRepository,
  change: Partial<Repository>,
): Promise<StoredRepository | undefined> {
  return records.replace(repository.id, repository.revision, { ...bodyOf(repository), ...change });
}

function contended(name: string): InterlockError {
  return new InterlockError('CONFLICT', `The repository ${name} changed ${TRIES} times while it was written. Try again.`);
}

function foundIn(input: JsonObject): Found {
  const manifest = textIn(input, 'manifest');
  if (!/^[0-9a-f]{64}$/.test(manifest)) throw invalid('/manifest', 'expected a sha256');
  return {
    manifest,
    manifestSize: countIn(input, 'manifestSize'),
    files: countIn(input, 'files'),
    bytes: countIn(input, 'bytes'),
  };
}

function textIn(input: JsonObject, key: string): string {
  const value = input[key];
  if (typeof value !== 'string' || value.length > 200) throw invalid(`/${key}`, 'expected a text of at most 200 characters');
  return value;
}

function countIn(input: JsonObject, key: string): number {
  const value = input[key];
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw invalid(`/${key}`, 'expected a whole number, 0 or more');
  return Number(value);
}
