import { readdir, rm } from 'node:fs/promises';
import { get as ask, type IncomingMessage } from 'node:http';
import { join } from 'node:path';

import { expect } from 'chai';

import { LocalMirror } from '../support/local-mirror.js';
import { create, leftovers, run } from '../support/mirror.js';
import { TestOrigin } from '../support/origin.js';

const BASE = '/api/v1/repositories';

interface Problem {
  code: string;
}

describe('repositories over REST', function () {
  this.timeout(60_000);
  let mirror: LocalMirror;
  let origin: TestOrigin;

  before(async () => {
    mirror = await LocalMirror.start();
    origin = await TestOrigin.start();
  });
  after(async () => {
    await mirror.stop();
    await origin.stop();
  });

  it('shows a new one with the defaults of an importer, and where it is', async () => {
    const reply = await mirror.request('POST', BASE, { name: 'new', url: 'http://example.org/files' });
    expect(reply.status).to.equal(201);
    expect(reply.headers.get('location')).to.equal(`${BASE}/new`);
    expect(reply.body).to.include({
      name: 'new',
      href: `${BASE}/new`,
      url: 'http://example.org/files',
      proxy_url: null,
      proxy_port: null,
      proxy_username: null,
      proxy_password: null,
      connect_timeout: 6.05,
      read_timeout: 27,
      ssl_ca_cert: null,
      ssl_client_cert: null,
      ssl_client_key: null,
      latestVersion: null,
      publishedVersion: null,
      contentUrl: '/content/new/',
    });
    const read = await mirror.request('GET', `${BASE}/new`);
    expect(read.body).to.deep.equal(reply.body);
    expect(read.headers.get('etag')).to.equal(reply.headers.get('etag'));
  });

  it('refuses a name that is taken', async () => {
    await create(mirror, 'taken', {});
    expect((await mirror.request('POST', BASE, { name: 'taken' })).status).to.equal(409);
  });

  it('changes single settings, and resets one that is null', async () => {
    await create(mirror, 'change', { url: 'http://example.org/', read_timeout: 5 });
    const changed = await mirror.request('PATCH', `${BASE}/change`, {
      proxy_url: 'http://proxy.example.org',
      proxy_port: 3128,
      read_timeout: null,
    });
    expect(changed.body).to.include({
      url: 'http://example.org/',
      proxy_url: 'http://proxy.example.org',
      proxy_port: 3128,
      read_timeout: 27,
    });
  });

  it('changes only what was read, where If-Match says so', async () => {
    await create(mirror, 'match', {});
    const etag = (await mirror.request('GET', `${BASE}/match`)).headers.get('etag') ?? '';
    expect((await mirror.request('PATCH', `${BASE}/match`, { read_timeout: 9 }, { 'if-match': etag })).status).to.equal(200);
    expect((await mirror.request('PATCH', `${BASE}/match`, { read_timeout: 8 }, { 'if-match': etag })).status).to.equal(412);
    expect((await mirror.request('GET', `${BASE}/match`)).body.read_timeout).to.equal(9);
  });

  it('lists them by name, a page at a time', async () => {
    for (const name of ['list-c', 'list-a', 'list-b']) await create(mirror, name, {});
    const names: string[] = [];
    for (let path: string | null = `${BASE}?limit=2`; path !== null;) {
      const { body }: { body: { items: { name: string }[]; next: string | null } } = await mirror.request('GET', path);
      expect(body.items.length).to.be.at.most(2);
      names.push(...body.items.map(({ name }) => name));
      path = body.next;
    }
    expect(names.filter(name => name.startsWith('list-'))).to.deep.equal(['list-a', 'list-b', 'list-c']);
    expect(names).to.deep.equal(names.toSorted());
  });

  it('pages through the versions of one', async () => {
    await create(mirror, 'pages', { url: origin.tree('pages', {}) });
    for (const body of ['one', 'two', 'three']) {
      origin.tree('pages', { 'a.txt': body });
      await run(mirror, 'pages', 'sync');
    }
    const first = await mirror.request<{ items: { number: number }[]; next: string }>('GET', `${BASE}/pages/versions?limit=2`);
    const second = await mirror.request<{ items: { number: number }[]; next: null }>('GET', first.body.next);
    expect([first, second].map(({ body }) => body.items.map(({ number }) => number))).to.deep.equal([[1, 2], [3]]);
    expect(second.body.next).to.equal(null);
    expect((await mirror.request('GET', `${BASE}/pages/versions/3`)).body).to.include({
      number: 3,
      files: 1,
      bytes: 5,
      published: false,
    });
    expect((await mirror.request('GET', `${BASE}/pages/versions/4`)).status).to.equal(404);
  });

  it('deletes one with its versions and what it published', async () => {
    await create(mirror, 'delete', { url: origin.tree('delete', { 'a.txt': 'a' }) });
    await run(mirror, 'delete', 'sync');
    await run(mirror, 'delete', 'publish');
    expect((await mirror.request('DELETE', `${BASE}/delete`)).status).to.equal(204);
    for (const path of [`${BASE}/delete`, `${BASE}/delete/versions/1`, '/content/delete/a.txt']) {
      expect((await mirror.request('GET', path)).status, path).to.equal(404);
    }
    await create(mirror, 'delete', {});
    expect((await mirror.request('GET', `${BASE}/delete/versions`)).body.items).to.deep.equal([]);
  });

  it('refuses a service to a task that does not reserve the repository, or was followed by a later one', async () => {
    await create(mirror, 'fenced', { url: 'http://127.0.0.1:1/' });
    const [older, newer] = [mirror.caller('fenced'), mirror.caller('fenced')];
    const begin = mirror.services['file.begin']!;
    const add = mirror.services['file.addVersion']!;
    expect(await codeOf(begin({ repository: 'fenced' }, mirror.caller('other')))).to.equal('FORBIDDEN');
    const { uid } = (await begin({ repository: 'fenced' }, older)) as { uid: string };
    await begin({ repository: 'fenced' }, newer);
    await create(mirror, 'source', { url: origin.tree('source', { 'a.txt': 'a' }) });
    await run(mirror, 'source', 'sync');
    const { body } = await mirror.request<{ manifest: string }>('GET', `${BASE}/source/versions/1`);
    const found = { manifest: body.manifest, manifestSize: 'a.txt,'.length + 64 + ',1\n'.length, files: 1, bytes: 1 };
    expect(await codeOf(add({ repository: 'fenced', uid, ...found }, older))).to.equal('CONFLICT');
    expect(await codeOf(add({ repository: 'fenced', uid, ...found, manifest: '0'.repeat(64) }, newer))).to.equal(
      'VALIDATION_FAILED',
    );
    expect(await codeOf(add({ repository: 'fenced', uid, ...found, files: -1 }, newer))).to.equal('VALIDATION_FAILED');
    expect(await codeOf(add({ repository: 'fenced', uid: 'another', ...found }, newer))).to.equal('MISSING_RESOURCE');
    expect((await mirror.request('GET', `${BASE}/fenced`)).body.latestVersion).to.equal(null);
    expect(await add({ repository: 'fenced', uid, ...found }, newer)).to.deep.equal({ version: 1, created: true });
  });

  it('lets a reader who has begun finish with the version that he began with', async () => {
    const old = Buffer.alloc(3_000_000, 'old ');
    await create(mirror, 'reader', { url: origin.tree('reader', { 'big.bin': old }) });
    await run(mirror, 'reader', 'sync');
    await run(mirror, 'reader', 'publish');
    const address = await mirror.listen();
    const reading = await new Promise<IncomingMessage>(resolve => ask(`${address}/content/reader/big.bin`, resolve));
    const chunks = reading.iterator() as AsyncIterator<Buffer>;
    const first = (await chunks.next()).value as Buffer;
    origin.tree('reader', { 'big.bin': Buffer.alloc(3_000_000, 'new ') });
    await run(mirror, 'reader', 'sync');
    await run(mirror, 'reader', 'publish');
    await mirror.request('DELETE', `${BASE}/reader`);
    const rest: Buffer[] = [first];
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) rest.push(next.value);
    expect(Buffer.concat(rest).equals(old)).to.equal(true);
  });

  it('answers 500 when content is missing, without headers of a file', async () => {
    const body = `lost ${Date.now()}`;
    await create(mirror, 'lost', { url: origin.tree('lost', { 'lost.txt': body }) });
    await run(mirror, 'lost', 'sync');
    await run(mirror, 'lost', 'publish');
    const { headers } = await mirror.request('GET', '/content/lost/lost.txt');
    const digest = (headers.get('etag') ?? '').replaceAll('"', '');
    await rm(join(mirror.dataDirectory, 'content/sha256', digest.slice(0, 2), digest.slice(2)));
    const reply = await mirror.request<Problem>('GET', '/content/lost/lost.txt');
    expect([reply.status, reply.body.code]).to.deep.equal([500, 'INTERNAL_ERROR']);
    expect(reply.headers.get('etag')).to.equal(null);
    const again = await run(mirror, 'lost', 'sync');
    expect(again.result).to.deep.include({ created: false, downloaded: { files: 1, bytes: body.length } });
    expect((await mirror.request('GET', '/content/lost/lost.txt')).text).to.equal(body);
  });

  it('removes what a killed sync of the same repository has left, and nothing of others', async () => {
    const { ContentStore } = await import('../../src/plugins/file/content.js');
    const content = new ContentStore(mirror.dataDirectory);
    await content.receive('killed', 'task-1.1');
    const others = await content.receive('other', 'task-2.1');
    expect(await leftovers(mirror)).to.include('killed/task-1.1');
    await create(mirror, 'killed', { url: origin.tree('killed', { 'a.txt': 'a' }) });
    await run(mirror, 'killed', 'sync');
    expect(await leftovers(mirror)).to.deep.equal(['other', 'other/task-2.1']);
    await others.remove();
    expect(await readdir(join(mirror.dataDirectory, 'content/incoming'))).to.deep.equal([]);
  });

  it('describes every route once, with an operation and answers', async () => {
    const { paths } = (await mirror.openapi()) as {
      paths: Record<string, Record<string, { operationId: string; responses: object }>>;
    };
    const ours = Object.entries(paths).filter(([path]) => /repositories|content/.test(path));
    const operations = ours.flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId));
    expect(operations.toSorted()).to.deep.equal([
      'changeRepository',
      'createRepository',
      'deleteRepository',
      'getContent',
      'getRepository',
      'getRepositoryVersion',
      'listContent',
      'listRepositories',
      'listRepositoryVersions',
      'publishRepository',
      'syncRepository',
    ]);
  });

  it('serves nothing outside of what is published', async () => {
    for (const path of ['/content/../../etc/passwd', '/content/..%2f..%2fetc%2fpasswd', '/content/%2e%2e/x', '/content/none/x']) {
      expect((await mirror.request('GET', path)).status, path).to.be.oneOf([400, 404]);
    }
  });
});

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
