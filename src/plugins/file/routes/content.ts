import type { IncomingHttpHeaders } from 'node:http';
import { extname } from 'node:path';

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

import { InterlockError, MissingResource } from '../../../core/errors.js';
import { findEntry, firstEntries } from '../catalogue.js';
import { ContentStore } from '../content.js';
import { codeOf } from '../failure.js';
import { MANIFEST, type Entry } from '../manifest.js';
import { rangeOf, type Range } from './range.js';
import { repositories, type Published } from '../repository.js';
import type { FileRouteDeps, TypedApp } from './deps.js';
import { ListingReply, NameParams, type Listing } from './schemas.js';

const tags = ['content'];
const LISTED = 1_000;
/** Types that no browser runs anything in: mirrored files are strangers' files, and share an origin with the API. */
const TEXT = 'text/plain; charset=utf-8';
const TYPES: Readonly<Record<string, string>> = {
  '.txt': TEXT,
  '.json': 'application/json',
  '.gz': 'application/gzip',
  '.zip': 'application/zip',
  '.tar': 'application/x-tar',
};
const SAFE = { 'x-content-type-options': 'nosniff', 'content-security-policy': "default-src 'none'; sandbox" };

const Params = Type.Object({ ...NameParams.properties, '*': Type.String({ description: 'Path of a file in the manifest.' }) });
const method = ['GET', 'HEAD'];

/** What is published. One read of the repository decides which version an answer is from; its files can never change. */
export function contentRoutes(app: TypedApp, { documents, dataDirectory }: FileRouteDeps): void {
  const records = repositories(documents);
  const content = new ContentStore(dataDirectory);

  async function publishedOf(name: string): Promise<Published> {
    const repository = await records.get(name);
    if (!repository?.published) throw new MissingResource(`Published content of a repository ${name}`);
    return repository.published;
  }

  const list = { operationId: 'listContent', summary: 'What is published, with its first files', params: NameParams };
  app.route({
    method,
    url: '/content/:name/',
    exposeHeadRoute: false,
    schema: { tags, ...list, response: { 200: ListingReply } },
    handler: async (request, reply) => {
      const { name } = request.params;
      return reply.headers(SAFE).send(await listing(name, await publishedOf(name), content));
    },
  });

  app.route({
    method,
    url: '/content/:name/*',
    exposeHeadRoute: false,
    schema: { tags, operationId: 'getContent', summary: 'A published file, or PULP_MANIFEST', params: Params },
    handler: async (request, reply) => {
      const { name, '*': path } = request.params;
      const entry = await entryOf(await publishedOf(name), path, content);
      if (!entry) throw new MissingResource(`The file "${path}" in what the repository ${name} published`);
      return serve(entry, content, request, reply);
    },
  });
}

async function entryOf(published: Published, path: string, content: ContentStore): Promise<Entry | undefined> {
  const { manifest, manifestSize } = published;
  if (path === MANIFEST) return { name: MANIFEST, sha256: manifest, size: manifestSize };
  const file = await opened(content, manifest);
  try {
    return await findEntry(file, manifestSize, path);
  } finally {
    await file.close();
  }
}

async function listing(name: string, published: Published, content: ContentStore): Promise<Listing> {
  const file = await opened(content, published.manifest);
  try {
    const files = await firstEntries(file, published.manifestSize, LISTED);
    const { version, files: total, bytes, at } = published;
    return {
      name,
      version,
      publishedAt: at.toISOString(),
      manifest: MANIFEST,
      total,
      bytes,
      files,
      truncated: total > files.length,
    };
  } finally {
    await file.close();
  }
}

/** What an answer consists of, decided before the file is opened. */
interface Answer {
  code: 200 | 206 | 304 | 416;
  headers: Record<string, string | number>;
  /** Bytes to send, both included; absent where there are none. */
  range?: Range;
}

function answerTo(headers: IncomingHttpHeaders, { sha256, size }: Entry): Answer {
  const etag = `"${sha256}"`;
  const common = { etag, 'accept-ranges': 'bytes' };
  if (headers['if-none-match']?.includes(etag) === true) return { code: 304, headers: common };
  const condition = headers['if-range'];
  const range = condition === undefined || condition === etag ? rangeOf(headers.range, size) : undefined;
  if (range === 'unsatisfiable')
    return { code: 416, headers: { ...common, 'content-length': 0, 'content-range': `bytes */${size}` } };
  if (range === undefined) {
    return { code: 200, headers: { ...common, 'content-length': size }, ...(size > 0 && { range: { start: 0, end: size - 1 } }) };
  }
  const { start, end } = range;
  return {
    code: 206,
    headers: { ...common, 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${size}` },
    range,
  };
}

async function serve(entry: Entry, content: ContentStore, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { code, headers, range } = answerTo(request.headers, entry);
  const file = await opened(content, entry.sha256);
  reply.code(code).headers({ ...SAFE, ...headers, 'content-type': typeOf(entry.name) });
  if (request.method === 'HEAD' || range === undefined) {
    await file.close();
    return reply.send();
  }
  return reply.send(file.createReadStream(range)); // closes the file, also when the reader goes away
}

function typeOf(name: string): string {
  return name === MANIFEST ? TEXT : (TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream');
}

async function opened(content: ContentStore, sha256: string): ReturnType<ContentStore['open']> {
  try {
    return await content.open(sha256);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    const message = `The content ${sha256} is not in the data directory: it was not restored, or another one is configured.`;
    throw new InterlockError('INTERNAL_ERROR', message, { cause: error });
  }
}
