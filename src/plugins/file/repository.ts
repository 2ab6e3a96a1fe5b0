import { MissingResource } from '../../core/errors.js';
import { API_BASE } from '../../core/task-view.js';
import type { DocumentStore, Documents, StoredDocument } from '../../store/store.js';
import type { Settings } from './settings.js';

/** A repository: where it is mirrored from, and which of its versions is visible. One document, so that every change is one write. */
export interface Repository {
  /** Of this repository, not of its name: a task that began before a deletion cannot write into a namesake. */
  uid: string;
  settings: Settings;
  /** The newest version; 0 before the first. A version document with a higher number is not part of the repository (yet). */
  latest: number;
  published: Published | null;
  /** Of the last task that was admitted; an older one is refused whatever it still tries. */
  fence: number;
  createdAt: Date;
  updatedAt: Date;
}

/** Everything that serving needs, so that one read of one document decides what a reader sees. */
export interface Published {
  version: number;
  manifest: string;
  manifestSize: number;
  files: number;
  bytes: number;
  at: Date;
}

/** What a sync found: immutable from the moment that its repository counts it. */
export interface Version {
  number: number;
  /** Sha256 of the manifest, which is kept as content, and its length. */
  manifest: string;
  manifestSize: number;
  files: number;
  /** Sum of the sizes of all files. */
  bytes: number;
  /** The sync that made it. */
  task: string;
  createdAt: Date;
}

export type StoredRepository = StoredDocument<Repository>;

/** No leading dot: the name is also a folder. */
export const NAME_PATTERN = '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$';

export const REPOSITORIES = `${API_BASE}/repositories`;

/** The address of a repository, and the name of the resource that its tasks reserve. */
export function repositoryUrl(name: string): string {
  return `${REPOSITORIES}/${name}`;
}

export function versionUrl(name: string, number: number): string {
  return `${repositoryUrl(name)}/versions/${number}`;
}

export function contentUrl(name: string): string {
  return `/content/${name}/`;
}

export type Repositories = DocumentStore<Repository>;

export function repositories(documents: Documents): Repositories {
  return documents.collection<Repository>('file_repositories');
}

/** Throws MissingResource. */
export async function existing(records: Repositories, name: string): Promise<StoredRepository> {
  const repository = await records.get(name);
  if (!repository) throw new MissingResource(`The repository ${name}`);
  return repository;
}

/** The document as it is stored, to be changed and replaced. */
export function bodyOf(stored: StoredRepository): Repository {
  const { uid, settings, latest, published, fence, createdAt, updatedAt } = stored;
  return { uid, settings, latest, published, fence, createdAt, updatedAt };
}
