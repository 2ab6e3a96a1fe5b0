import { randomUUID } from 'node:crypto';

import { Type } from 'typebox';

import { InterlockError } from '../../../core/errors.js';
import {
  REPOSITORIES,
  bodyOf,
  contentUrl,
  existing,
  repositories,
  repositoryUrl,
  type Repositories,
  type Repository,
  type StoredRepository,
} from '../repository.js';
import type { OriginPolicy } from '../origin-url.js';
import { DEFAULTS, changed, withoutSecrets } from '../settings.js';
import { Versions } from '../versions.js';
import type { FileRouteDeps, TypedApp } from './deps.js';
import {
  Change,
  IfMatch,
  NameParams,
  NewRepository,
  PAGE,
  PageQuery,
  RepositoryPage,
  RepositoryReply,
  type RepositoryView,
} from './schemas.js';

const tags = ['repositories'];
/** Changes take the role `operate` and stand in the audit trail. */
const config = { access: 'operate', audited: true } as const;
/** A change without If-Match that meets another one, or a task that begins, is made again on what stands then. */
const TRIES = 10;

/** Repositories: create, list, read, change settings, delete. */
export function repositoryRoutes(app: TypedApp, { documents, settings: policy }: FileRouteDeps): void {
  const records = repositories(documents);
  const response = { 200: RepositoryReply };

  const create = { operationId: 'createRepository', summary: 'Create a repository', body: NewRepository };
  const creating = { ...config, problems: ['CONFLICT'] as const };
  app.post(
    REPOSITORIES,
    { config: creating, schema: { tags, ...create, response: { 201: RepositoryReply } } },
    async (request, reply) => {
      const { name, ...wish } = request.body;
      const stored = await records.insert(name, newRepository(changed(DEFAULTS, wish, policy)));
      if (!stored) throw new InterlockError('CONFLICT', `A repository named ${name} exists already.`);
      return reply
        .code(201)
        .headers({ location: repositoryUrl(name), etag: etagOf(stored) })
        .send(viewOf(stored));
    },
  );

  const list = { operationId: 'listRepositories', summary: 'Repositories by name', querystring: PageQuery };
  app.get(REPOSITORIES, { schema: { tags, ...list, response: { 200: RepositoryPage } } }, async request => {
    const { limit = PAGE, cursor } = request.query;
    const found = await records.list(limit + 1, cursor);
    const items = found.slice(0, limit).map(viewOf);
    const next = found.length > limit ? `${REPOSITORIES}?limit=${limit}&cursor=${items.at(-1)?.name}` : null;
    return { items, next, prev: null };
  });

  const get = { operationId: 'getRepository', summary: 'One repository', params: NameParams };
  app.get(`${REPOSITORIES}/:name`, { schema: { tags, ...get, response } }, async (request, reply) => {
    const repository = await existing(records, request.params.name);
    return reply.header('etag', etagOf(repository)).send(viewOf(repository));
  });

  const summary = 'Change settings; null resets one. With If-Match, only what was read';
  const change = { operationId: 'changeRepository', summary, params: NameParams, headers: IfMatch, body: Change };
  const changing = { ...config, problems: ['CONFLICT', 'PRECONDITION_FAILED'] as const };
  app.patch(`${REPOSITORIES}/:name`, { config: changing, schema: { tags, ...change, response } }, async (request, reply) => {
    const stored = await changeSettings(records, request.params.name, {
      ...request,
      policy,
      ifMatch: request.headers['if-match'],
    });
    return reply.header('etag', etagOf(stored)).send(viewOf(stored));
  });

  deleteRoute(app, records, new Versions(documents));
}

function deleteRoute(app: TypedApp, records: Repositories, versions: Versions): void {
  const summary = 'Delete a repository with all its versions, also the published one';
  const schema = {
    tags,
    operationId: 'deleteRepository',
    summary,
    params: NameParams,
    response: { 204: Type.Null({ description: 'It is gone.' }) },
  };
  app.delete(`${REPOSITORIES}/:name`, { schema, config }, async (request, reply) => {
    const repository = await existing(records, request.params.name);
    // First what makes the rest visible. A sync that still runs finds its repository gone, and fails.
    await records.remove(repository.id);
    await versions.removeAll(repository);
    return reply.code(204).send(null);
  });
}

interface SettingsChange {
  body: Change;
  policy: OriginPolicy;
  ifMatch: string | undefined;
}

async function changeSettings(
  records: Repositories,
  name: string,
  { body, policy, ifMatch }: SettingsChange,
): Promise<StoredRepository> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const repository = await existing(records, name);
    if (ifMatch !== undefined && !matches(ifMatch, repository)) {
      throw new InterlockError('PRECONDITION_FAILED', `The repository ${name} has changed since it was read: read it again.`);
    }
    const settings = changed(repository.settings, body, policy);
    const stored = await records.replace(name, repository.revision, { ...bodyOf(repository), settings, updatedAt: new Date() });
    if (stored) return stored;
  }
  throw new InterlockError('CONFLICT', `The repository ${name} changed ${TRIES} times meanwhile. Try again.`);
}

function newRepository(settings: Repository['settings']): Repository {
  const now = new Date();
  return { uid: randomUUID(), settings, latest: 0, published: null, fence: 0, createdAt: now, updatedAt: now };
}

function viewOf(repository: StoredRepository): RepositoryView {
  return {
    name: repository.id,
    href: repositoryUrl(repository.id),
    ...withoutSecrets(repository.settings),
    latestVersion: repository.latest || null,
    publishedVersion: repository.published?.version ?? null,
    publishedAt: repository.published?.at.toISOString() ?? null,
    contentUrl: contentUrl(repository.id),
    createdAt: repository.createdAt.toISOString(),
    updatedAt: repository.updatedAt.toISOString(),
  };
}

function etagOf({ revision }: StoredRepository): string {
  return `"${revision}"`;
}

function matches(ifMatch: string, repository: StoredRepository): boolean {
  return ifMatch.split(',').some(tag => ['*', etagOf(repository)].includes(tag.trim()));
}
