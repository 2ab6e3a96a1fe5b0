import { MissingResource, invalid } from '../../../core/errors.js';
import {
  REPOSITORIES,
  existing,
  repositories,
  repositoryUrl,
  versionUrl,
  type StoredRepository,
  type Version,
} from '../repository.js';
import { Versions } from '../versions.js';
import type { FileRouteDeps, TypedApp } from './deps.js';
import { NameParams, PAGE, PageQuery, VersionPage, VersionParams, VersionReply, type VersionView } from './schemas.js';

const tags = ['repositories'];

/** The versions of a repository: what each sync that found something new has made. */
export function versionRoutes(app: TypedApp, { documents }: FileRouteDeps): void {
  const records = repositories(documents);
  const versions = new Versions(documents);

  const summary = 'Versions of a repository, oldest first';
  const list = { operationId: 'listRepositoryVersions', summary, params: NameParams, querystring: PageQuery };
  app.get(`${REPOSITORIES}/:name/versions`, { schema: { tags, ...list, response: { 200: VersionPage } } }, async request => {
    const repository = await existing(records, request.params.name);
    const { limit = PAGE, cursor } = request.query;
    const items = await versions.list(repository, limit, numberIn(cursor));
    const last = items.at(-1)?.number ?? repository.latest;
    const next = last < repository.latest ? `${repositoryUrl(repository.id)}/versions?limit=${limit}&cursor=${last}` : null;
    return { items: items.map(version => viewOf(repository, version)), next, prev: null };
  });

  const get = {
    operationId: 'getRepositoryVersion',
    summary: 'One version of a repository',
    params: VersionParams,
  };
  app.get(
    `${REPOSITORIES}/:name/versions/:number`,
    { schema: { tags, ...get, response: { 200: VersionReply } } },
    async request => {
      const { name, number } = request.params;
      const repository = await existing(records, name);
      const version = await versions.get(repository, Number(number));
      if (!version) throw new MissingResource(`The version ${number} of the repository ${name}`);
      return viewOf(repository, version);
    },
  );
}

function numberIn(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,9}$/.test(cursor)) throw invalid('?cursor', 'is not a cursor: take it from `next` of a page', 'bad_cursor');
  return Number(cursor);
}

function viewOf(repository: StoredRepository, version: Version): VersionView {
  return {
    number: version.number,
    href: versionUrl(repository.id, version.number),
    repository: repositoryUrl(repository.id),
    published: repository.published?.version === version.number,
    files: version.files,
    bytes: version.bytes,
    manifest: version.manifest,
    task: version.task,
    createdAt: version.createdAt.toISOString(),
  };
}
