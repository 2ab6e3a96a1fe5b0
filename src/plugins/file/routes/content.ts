import { extname } from 'node:path';

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static, type TSchema } from 'typebox';

import { InterlockError, MissingResource } from '../../../core/errors.js';
import { findEntry, firstEntries } from '../catalogue.js';
import { ContentStore } from '../content.js';
import { codeOf } from '../failure.js';
import { MANIFEST, type Entry } from '../manifest.js';
import { contentUrl, repositories, type Published } from '../repository.js';
import { answerTo } from './answer.js';
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

const FileParams = Type.Object({
  ...NameParams.properties,
  '*': Type.String({ description: 'Path of a file in the manifest.' }),
});

const FileHeaders = Type.Object({
  range: Type.Optional(Type.String({ description: 'One range of bytes, as bytes=0-499.' })),
  'if-range': Type.Optional(Type.String({ description: 'The range only of the file with this ETag, else all of it.' })),
  'if-none-match': Type.Optional(Type.String()),
});
/** Bytes, of a type that its name tells. */
const BYTES = Object.fromEntries(
  [...new Set([...Object.values(TYPES), 'application/octet-stream'])].map(type => [type.split(';')[0] ?? type, { schema: {} }]),
);
const FileReply = {
  200: { description: 'The file.', content: BYTES },
  206: { description: 'The range that was asked for.', content: BYTES },
  304: Type.Null({ description: 'The file is still as the given ETag says.' }),
  416: Type.Null({ description: 'Nothing of the file lies in that range.' }),
};

type Asked<P extends TSchema> = Pick<FastifyRequest, 'method' | 'headers'> & { params: Static<P> };

/** What is published. One read of the repository decides which version an answer is from; its files can never change. */
export function contentRoutes(app: TypedApp, { documents, dataDirectory }: FileRouteDeps): void {
  const records = repositories(documents);
  const content = new ContentStore(dataDirectory);

  async function publishedOf(name: string): Promise<Published> {
    const repository = await records.get(name);
    if (!repository?.published) throw new MissingResource(`Published content of a repository ${name}`);
    return repository.published;
  }

  const list = async ({ params: { name } }: Asked<typeof NameParams>, reply: Pick<FastifyReply, 'headers'>): Promise<Listing> => {
    const found = await listing(name, await publishedOf(name), content);
    reply.headers(SAFE);
    return found;
  };
  const get = async (request: Asked<typeof FileParams>, reply: FastifyReply): Promise<FastifyReply> => {
    const { name, '*': path } = request.params;
    const entry = await entryOf(await publishedOf(name), path, content);
    if (!entry) throw new MissingResource(`The file "${path}" in what the repository ${name} published`);
    return serve(entry, content, request, reply);
  };

  const ofFolder = { tags, operationId: 'listContent', summary: 'What is published, with its first files', params: NameParams };
  const ofFile = {
    ...{ tags, operationId: 'getContent', summary: 'A published file, or PULP_MANIFEST' },
    params: FileParams,
    headers: FileHeaders,
    response: FileReply,
  };
  app.get('/content/:name', { schema: { hide: true, params: NameParams } }, ({ params }, reply) =>
    reply.redirect(contentUrl(params.name), 308),
  );
  // HEAD has routes of its own: Fastify's would read the whole file to throw it away.
  const exposeHeadRoute = false;
  app.get('/content/:name/', { exposeHeadRoute, schema: { ...ofFolder, response: { 200: ListingReply } } }, list);
  app.get('/content/:name/*', { exposeHeadRoute, schema: ofFile }, get);
  app.head('/content/:name/', { schema: { hide: true, params: NameParams } }, list);
  app.head('/content/:name/*', { schema: { hide: true, params: FileParams } }, get);
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

async function serve(
  entry: Entry,
  content: ContentStore,
  request: Pick<FastifyRequest, 'method' | 'headers'>,
  reply: FastifyReply,
): Promise<FastifyReply> {
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
