import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { ProgressReport } from '../../src/core/task.js';

export interface Reply<T = Record<string, unknown>> {
  status: number;
  body: T;
  text: string;
  headers: Headers;
}

/** How a task of the file plugin ended. */
export interface Ended {
  state: string;
  result: unknown;
  error: { code: string; message: string } | null;
  progress: ProgressReport[];
  createdResources: string[];
}

/** An Interlock that mirrors: one put together in this process, or a whole deployment. The same tests hold for both. */
export interface Mirror {
  readonly dataDirectory: string;
  request<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Reply<T>>;
  cancel(taskId: string): Promise<void>;
  final(taskId: string): Promise<Ended>;
}

const BASE = '/api/v1/repositories';

/** Creates a repository. */
export async function create(mirror: Mirror, name: string, settings: Record<string, unknown>): Promise<void> {
  const reply = await mirror.request('POST', BASE, { name, ...settings });
  if (reply.status !== 201) throw new Error(`create ${name}: ${reply.status} ${reply.text}`);
}

/** Submits a sync or publish; resolves with the id of its task. */
export async function begin(mirror: Mirror, name: string, operation: 'sync' | 'publish', body: unknown = {}): Promise<string> {
  const reply = await mirror.request<{ id: string }>('POST', `${BASE}/${name}/${operation}`, body);
  if (reply.status !== 202) throw new Error(`${operation} ${name}: ${reply.status} ${reply.text}`);
  return reply.body.id;
}

export async function run(mirror: Mirror, name: string, operation: 'sync' | 'publish', body: unknown = {}): Promise<Ended> {
  return mirror.final(await begin(mirror, name, operation, body));
}

/** Everything about a repository that a reader can see: versions, what is published, and the bytes of these files. */
export async function seenOf(mirror: Mirror, name: string, files: readonly string[]): Promise<Record<string, unknown>> {
  const repository = await mirror.request('GET', `${BASE}/${name}`);
  const versions = await mirror.request('GET', `${BASE}/${name}/versions`);
  const seen: Record<string, unknown> = {
    versions: versions.body,
    latest: repository.body.latestVersion,
    published: repository.body.publishedVersion,
  };
  for (const file of ['PULP_MANIFEST', ...files]) {
    const { status, text, headers } = await mirror.request('GET', `/content/${name}/${file}`);
    seen[file] = { status, text: status === 200 ? text : '', etag: headers.get('etag') };
  }
  return seen;
}

/** What downloads have left unfinished. */
export function leftovers(mirror: Mirror): Promise<string[]> {
  return filesBelow(join(mirror.dataDirectory, 'content/incoming'));
}

/** Digests of all stored content. */
export async function stored(mirror: Mirror): Promise<string[]> {
  const paths = await filesBelow(join(mirror.dataDirectory, 'content/sha256'));
  return paths.filter(path => path.length > 3).map(path => path.replace('/', ''));
}

/** Paths of everything in a folder, folders included; none when it is not there. */
async function filesBelow(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
