import { expect } from 'chai';

import { begin, create, leftovers, run, type Mirror } from './mirror.js';
import { TestOrigin, lineOf, manifestOf, sha256, type Files } from './origin.js';
import { until } from './wait.js';

/** What sync and publish do when all goes well, wherever they run. */
export function describeMirroring(mirror: () => Mirror): void {
  describe('mirroring', () => {
    let origin: TestOrigin;
    let count = 0;

    before(async () => {
      origin = await TestOrigin.start();
    });
    after(() => origin.stop());

    async function repository(files: Files): Promise<string> {
      count += 1;
      const name = `mirror-${count}`;
      await create(mirror(), name, { url: origin.tree(name, files) });
      return name;
    }

    async function read(name: string, file: string): Promise<string | number> {
      const { status, text } = await mirror().request('GET', `/content/${name}/${file}`);
      return status === 200 ? text : status;
    }

    it('downloads every file, makes a version, and shows it once it is published', async () => {
      const files = {
        'a.txt': 'alpha',
        'deep/down/b.bin': 'beta',
        empty: '',
        'with, comma.txt': 'gamma',
        'ünï cödé %2e #?.txt': 'delta',
      };
      const name = await repository(files);
      const synced = await run(mirror(), name, 'sync');
      expect(synced.error).to.equal(null);
      const bytes = 'alphabetagammadelta'.length;
      expect(synced.result).to.deep.equal({ version: 1, created: true, files: 5, bytes, downloaded: { files: 5, bytes } });
      expect(synced.createdResources).to.deep.equal([`/api/v1/repositories/${name}/versions/1`]);
      expect(await read(name, 'a.txt')).to.equal(404);
      const published = await run(mirror(), name, 'publish');
      expect(published.result).to.deep.equal({ version: 1, changed: true, url: `/content/${name}/` });
      expect(published.createdResources).to.deep.equal([`/content/${name}/`]);
      for (const [file, body] of Object.entries(files)) {
        expect(await read(name, file.split('/').map(encodeURIComponent).join('/')), file).to.equal(body);
      }
      expect(await leftovers(mirror())).to.deep.equal([]);
    });

    it('publishes a manifest of its own that another mirror can follow', async () => {
      const name = await repository({ 'b.txt': 'two', 'a.txt': 'one' });
      origin.at(`${name}/PULP_MANIFEST`, {
        body: `\r\n${lineOf('b.txt', 'two').toUpperCase().replace('B.TXT', 'b.txt').trimEnd()}\r\n${lineOf('a.txt', 'one')}`,
      });
      await run(mirror(), name, 'sync');
      await run(mirror(), name, 'publish');
      expect(await read(name, 'PULP_MANIFEST')).to.equal(manifestOf({ 'a.txt': 'one', 'b.txt': 'two' }));
    });

    it('reports how many files and bytes are to come, and have come', async () => {
      const name = await repository({ 'x.bin': `x ${Date.now()}`, 'y.bin': `y ${Date.now()}` });
      const { progress, result } = await run(mirror(), name, 'sync');
      const { downloaded } = result as { downloaded: { files: number; bytes: number } };
      expect(downloaded.files).to.equal(2);
      const bars = progress.map(({ code, done, total, suffix, state }) => ({ code, done, total, suffix, state }));
      expect(bars).to.deep.equal([
        { code: 'sync.downloading', done: 2, total: 2, suffix: 'files', state: 'completed' },
        { code: 'sync.receiving', done: downloaded.bytes, total: downloaded.bytes, suffix: 'bytes', state: 'completed' },
      ]);
    });

    it('makes no version when the origin has nothing new', async () => {
      const name = await repository({ 'same.txt': 'same' });
      await run(mirror(), name, 'sync');
      const again = await run(mirror(), name, 'sync');
      expect(again.result).to.deep.equal({ version: 1, created: false, files: 1, bytes: 4, downloaded: { files: 0, bytes: 0 } });
      expect(again.createdResources).to.deep.equal([]);
    });

    it('keeps older versions as they were, and publishes any of them', async () => {
      const name = await repository({ 'v.txt': 'first', 'gone.txt': 'going' });
      await run(mirror(), name, 'sync');
      origin.tree(name, { 'v.txt': 'second' });
      await run(mirror(), name, 'sync');
      await run(mirror(), name, 'publish');
      expect([await read(name, 'v.txt'), await read(name, 'gone.txt')]).to.deep.equal(['second', 404]);
      await run(mirror(), name, 'publish', { version: 1 });
      expect([await read(name, 'v.txt'), await read(name, 'gone.txt')]).to.deep.equal(['first', 'going']);
      const { body } = await mirror().request<{ items: { number: number; files: number; published: boolean }[] }>(
        'GET',
        `/api/v1/repositories/${name}/versions`,
      );
      expect(body.items.map(({ number, files, published }) => [number, files, published])).to.deep.equal([
        [1, 2, true],
        [2, 1, false],
      ]);
    });

    it('shows nothing of a sync until its version is published', async () => {
      const name = await repository({ 'v.txt': 'first' });
      await run(mirror(), name, 'sync');
      await run(mirror(), name, 'publish');
      origin.tree(name, { 'v.txt': 'second' });
      await run(mirror(), name, 'sync');
      expect(await read(name, 'v.txt')).to.equal('first');
    });

    it('downloads several files at once, but never more than six', async () => {
      const files = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`f${n}.txt`, `${n} of ${Date.now()}`]));
      const slow = await TestOrigin.start();
      await create(mirror(), 'parallel', { url: slow.tree('parallel', files) });
      for (const file of Object.keys(files)) slow.but(`parallel/${file}`, { trickle: true });
      expect(await run(mirror(), 'parallel', 'sync')).to.include({ state: 'completed' });
      expect(slow.mostOpen).to.be.within(2, 6);
      await slow.stop();
    });

    it('downloads once what has two names', async () => {
      const body = `twice ${Date.now()}`;
      const name = await repository({ 'one.txt': body, 'two.txt': body });
      const ended = await run(mirror(), name, 'sync');
      expect(ended.result).to.have.deep.property('downloaded', { files: 1, bytes: body.length });
      await run(mirror(), name, 'publish');
      expect([await read(name, 'one.txt'), await read(name, 'two.txt')]).to.deep.equal([body, body]);
    });

    it('tries again what may pass, and counts its bytes once', async () => {
      const [busy, cut] = [`busy ${Date.now()}`, `cut ${Date.now()}`];
      const name = await repository({ 'busy.txt': busy, 'cut.txt': cut });
      origin.but(`${name}/busy.txt`, { status: 503, times: 2 });
      origin.but(`${name}/cut.txt`, { cut: true, times: 1 });
      const ended = await run(mirror(), name, 'sync');
      expect(ended.state).to.equal('completed');
      expect(ended.progress[1]).to.include({ done: busy.length + cut.length });
    });

    it('follows redirects, also to another server', async () => {
      const other = await TestOrigin.start();
      const body = `elsewhere ${Date.now()}`;
      other.at('there.txt', { body });
      const name = await repository({ 'here.txt': body });
      origin
        .at(`${name}/here.txt`, { redirect: `/${name}/next.txt` })
        .at(`${name}/next.txt`, { redirect: `${other.url}there.txt` });
      expect(await run(mirror(), name, 'sync')).to.include({ state: 'completed' });
      await other.stop();
    });

    it('takes the URL of the folder, with or without a slash, or of the manifest in it', async () => {
      const url = origin.tree('spelled', { 'a.txt': 'spelled' });
      for (const [n, spelling] of [url, url.slice(0, -1), `${url}PULP_MANIFEST`].entries()) {
        await create(mirror(), `spelled-${n}`, { url: spelling });
        expect(await run(mirror(), `spelled-${n}`, 'sync'), spelling).to.include({ state: 'completed' });
      }
    });

    it('refuses to publish a repository that has no version, and to sync one that has no url', async () => {
      await create(mirror(), 'empty', {});
      expect((await run(mirror(), 'empty', 'publish')).error?.code).to.equal('CONFLICT');
      expect((await mirror().request('POST', '/api/v1/repositories/empty/sync', {})).status).to.equal(409);
      expect((await mirror().request('POST', '/api/v1/repositories/empty/publish', { version: 1 })).status).to.equal(404);
    });

    it('fails a sync whose repository is deleted meanwhile, also when a namesake has come', async () => {
      const name = await repository({ 'late.txt': `late ${Date.now()}` });
      origin.but(`${name}/late.txt`, { trickle: true, body: 'late '.repeat(50) });
      origin.at(`${name}/PULP_MANIFEST`, { body: lineOf('late.txt', 'late '.repeat(50)) });
      const id = await begin(mirror(), name, 'sync');
      await until('the file is on its way', () => origin.asked.some(({ path }) => path === `/${name}/late.txt`));
      expect((await mirror().request('DELETE', `/api/v1/repositories/${name}`)).status).to.equal(204);
      await create(mirror(), name, { url: origin.url });
      expect((await mirror().final(id)).error?.code).to.equal('MISSING_RESOURCE');
      const { body } = await mirror().request(`GET`, `/api/v1/repositories/${name}`);
      expect(body.latestVersion).to.equal(null);
      expect(await leftovers(mirror())).to.deep.equal([]);
    });

    it('tags every file with its sha256, and answers ranges, conditions and HEAD', async () => {
      const body = '0123456789';
      const name = await repository({ 'digits.txt': body });
      await run(mirror(), name, 'sync');
      await run(mirror(), name, 'publish');
      const path = `/content/${name}/digits.txt`;
      const etag = `"${sha256(body)}"`;
      const whole = await mirror().request('GET', path);
      expect(whole.headers.get('etag')).to.equal(etag);
      expect(whole.headers.get('content-length')).to.equal('10');
      expect((await mirror().request('GET', path, undefined, { 'if-none-match': etag })).status).to.equal(304);
      const head = await mirror().request('HEAD', path);
      expect([head.status, head.text, head.headers.get('content-length')]).to.deep.equal([200, '', '10']);
      for (const [range, status, text] of [
        ['bytes=2-4', 206, '234'],
        ['bytes=7-', 206, '789'],
        ['bytes=-2', 206, '89'],
        ['bytes=0-99', 206, body],
        ['bytes=10-', 416, ''],
        ['bytes=4-2', 200, body],
        ['items=1', 200, body],
      ] as const) {
        const part = await mirror().request('GET', path, undefined, { range });
        expect([part.status, part.text], range).to.deep.equal([status, text]);
      }
      const changed = await mirror().request('GET', path, undefined, { range: 'bytes=2-4', 'if-range': '"other"' });
      expect([changed.status, changed.text]).to.deep.equal([200, body]);
    });

    it('finds every name of a long manifest, and no other', async () => {
      const files = Object.fromEntries(
        Array.from({ length: 300 }, (_, n) => [`${'sub/'.repeat(n % 5)}${(n * 7919) % 300}-${'n'.repeat(n % 90)}`, '']),
      );
      const name = await repository(files);
      await run(mirror(), name, 'sync');
      await run(mirror(), name, 'publish');
      const names = Object.keys(files);
      for (const file of [...names.slice(0, 20), ...names.slice(-20)]) expect(await read(name, file), file).to.equal('');
      for (const file of ['0', 'sub', 'sub/', '..%2f..%2fetc%2fpasswd', 'zzz', 'PULP_MANIFES', '%00'])
        expect(await read(name, file), file).to.equal(404);
    });

    it('lists what is published', async () => {
      const name = await repository({ 'b.txt': 'two', 'a.txt': 'one' });
      expect((await mirror().request('GET', `/content/${name}/`)).status).to.equal(404);
      expect((await mirror().request('HEAD', `/content/${name}`)).headers.get('location')).to.equal(`/content/${name}/`);
      await run(mirror(), name, 'sync');
      await run(mirror(), name, 'publish');
      const { body } = await mirror().request('GET', `/content/${name}/`);
      expect(body).to.include({ name, version: 1, manifest: 'PULP_MANIFEST', total: 2, bytes: 6, truncated: false });
      expect(body.files).to.deep.equal([
        { name: 'a.txt', sha256: sha256('one'), size: 3 },
        { name: 'b.txt', sha256: sha256('two'), size: 3 },
      ]);
    });
  });
}
