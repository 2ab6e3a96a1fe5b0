import { expect } from 'chai';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, truncateSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { named, PathCheck, targetOf } from '../../../src/backup/folders/names.js';
import { differences, place } from '../../../src/backup/folders/place.js';
import { walk, type Found, type Tree } from '../../../src/backup/folders/walk.js';
import { readTar } from '../../../src/backup/tar/read.js';
import { tarOf } from '../../../src/backup/tar/write.js';

const MiB = 1_048_576;

describe('the files of a backup', () => {
  let root: string;
  let from: string;
  let to: string;
  let left: string[];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'interlock-files-'));
    from = join(root, 'from');
    to = join(root, 'to');
    left = [];
    await mkdir(from);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const tree = (change: Partial<Tree> = {}): Tree => ({ root: from, paths: [''], leaveOut: () => false, ...change });
  const leave = (path: string, why: string): void => void left.push(`${path}: ${why}`);
  const packed = (entries: AsyncIterable<Found> = walk(tree(), leave)): AsyncGenerator<Buffer> =>
    tarOf(entries, { leftOut: leave, onEntry: () => undefined });
  const bytes = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    return Buffer.concat(parts);
  };
  const placing = (change: { keepAs?: string } = {}) => ({ root: to, signal: new AbortController().signal, ...change });
  const names = async (folder: string): Promise<string[]> => (await readdir(folder, { recursive: true })).sort();

  it('come back as they were: content, modes, times, links, empty folders, large ones, and names of every kind', async () => {
    await mkdir(join(from, 'empty/deep'), { recursive: true });
    await mkdir(join(from, 'closed'));
    const odd = ['-rf', ' space ', 'line\nbreak', 'ümläut', '"quoted"', "it's", '$HOME', 'n'.repeat(255), 'd'.repeat(120)];
    for (const name of odd) await writeFile(join(from, name), `content of ${name}`);
    await writeFile(join(from, 'closed/file'), 'x');
    await writeFile(join(from, 'large'), Buffer.alloc(3 * MiB + 7, 'abc'));
    await writeFile(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'no UTF-8');
    await symlink(odd[7]!, join(from, 'link'));
    await chmod(join(from, 'large'), 0o640);
    await chmod(join(from, 'closed'), 0o500);
    await utimes(join(from, 'large'), 1_000_000, 1_000_000);
    const placed = await place(readTar(packed()), placing());
    expect(left).to.deep.equal([]);
    expect(placed).to.deep.equal({ written: odd.length + 4, same: 0, replaced: 0 });
    for (const name of [...odd, 'closed/file', 'large']) {
      expect(await readFile(join(to, name)), name).to.deep.equal(await readFile(join(from, name)));
    }
    expect(await readlink(join(to, 'link'))).to.equal(odd[7]);
    expect((await stat(join(to, 'large'))).mode & 0o777).to.equal(0o640);
    expect((await stat(join(to, 'large'))).mtimeMs).to.equal(1_000_000_000);
    expect((await stat(join(to, 'closed'))).mode & 0o777).to.equal(0o500);
    expect((await readdir(to, { encoding: 'buffer' })).some(name => name.equals(Buffer.from([0x66, 0xff, 0xfe])))).to.equal(true);
    expect((await stat(join(to, 'empty/deep'))).isDirectory()).to.equal(true);
    chmodSync(join(from, 'closed'), 0o700);
    chmodSync(join(to, 'closed'), 0o700);
  });

  it('can be unpacked by tar', async () => {
    await writeFile(join(from, 'short'), 'short');
    await writeFile(join(from, 'l'.repeat(200)), 'long');
    await symlink('l'.repeat(200), join(from, 'link'));
    await writeFile(join(root, 'a.tar'), await bytes(packed()));
    await mkdir(to);
    const { status, stderr } = spawnSync('tar', ['xf', join(root, 'a.tar'), '-C', to], { encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
    expect(await names(to)).to.deep.equal(await names(from));
    expect(await readFile(join(to, 'link'), 'utf8')).to.equal('long');
  });

  it('are read from what tar has made', async () => {
    await writeFile(join(from, 'l'.repeat(200)), 'long');
    spawnSync('tar', ['cf', join(root, 'a.tar'), '--format=gnu', '-C', from, 'l'.repeat(200)]);
    const [entry] = await all(readTar(oneChunk(await readFile(join(root, 'a.tar')))));
    expect(entry).to.include({ path: 'l'.repeat(200), size: 4 });
  });

  it('are left out, and told, where they are sockets or pipes, or links that lead out', async () => {
    const server = createServer().listen(join(from, 'socket'));
    await once(server, 'listening');
    spawnSync('mkfifo', [join(from, 'pipe')]);
    await symlink('/etc/passwd', join(from, 'absolute'));
    await symlink('../to', join(from, 'upwards'));
    await place(readTar(packed()), placing());
    server.close();
    expect(left.sort()).to.deep.equal([
      'absolute: it is a link that leads out (/etc/passwd)',
      'pipe: it is a pipe',
      'socket: it is a socket',
      'upwards: it is a link that leads out (../to)',
    ]);
    expect(await names(to)).to.deep.equal([]);
  });

  it('may vanish, shrink or grow while they are read', async () => {
    for (const name of ['gone', 'shrinks', 'grows', 'last']) await writeFile(join(from, name), Buffer.alloc(2 * MiB, 'x'));
    const moved = async function* (): AsyncGenerator<Found> {
      for await (const entry of walk(tree(), leave)) {
        if (entry.path === 'gone') await rm(join(from, 'gone'));
        yield entry;
      }
    };
    const read: Record<string, number> = {};
    const tar = async function* (): AsyncGenerator<Buffer> {
      let header = '';
      for await (const chunk of packed(moved())) {
        if (chunk.length === 512) header = chunk.toString('latin1', 0, 10).replace(/\0.*/s, '');
        if (header === 'shrinks') truncateSync(join(from, 'shrinks'), MiB);
        if (header === 'grows') appendFileSync(join(from, 'grows'), 'more');
        yield chunk;
      }
    };
    for await (const entry of readTar(tar())) read[entry.path] = entry.size;
    expect(read).to.deep.equal({ grows: 2 * MiB, last: 2 * MiB, shrinks: 2 * MiB });
    expect(left.map(line => line.split(':')[0]).sort()).to.deep.equal(['grows', 'shrinks']);
  });

  it('are followed where they are named themselves: certificates are often links', async () => {
    await writeFile(join(root, 'real.pem'), 'key');
    await symlink('../real.pem', join(from, 'tls.pem'));
    const entries = await all(walk(tree({ root: '/', paths: [join(from, 'tls.pem').slice(1)] }), leave));
    expect(entries).to.have.length(1);
    expect(entries[0]).to.include({ kind: 'file', path: join(from, 'tls.pem').slice(1), size: 3 });
  });

  it('are told when they are named and not there', async () => {
    expect(await all(walk(tree({ paths: ['nowhere'] }), leave))).to.deep.equal([]);
    expect(left).to.deep.equal(['nowhere: it is not there']);
  });

  it('make a backup fail where they may not be read, instead of being left out', async function () {
    if (process.getuid?.() !== 0) await chmod(from, 0o000);
    else await mkdir(join(root, 'nobody'), { mode: 0o700 });
    const user = process.getuid?.() === 0 ? spawnAsNobody(from) : undefined;
    const error = user ?? (await all(walk(tree(), leave)).catch((thrown: unknown) => (thrown as Error).message));
    await chmod(from, 0o700);
    expect(await error).to.match(/cannot be read/);
  });

  describe('in the place of others', () => {
    beforeEach(async () => {
      await mkdir(join(from, 'sub'));
      await writeFile(join(from, 'sub/file'), 'new');
      await writeFile(join(from, 'same'), 'same');
      await mkdir(join(to, 'sub'), { recursive: true });
      await writeFile(join(to, 'same'), 'same');
      await writeFile(join(to, 'theirs'), 'theirs');
    });

    it('are told before anything is done', async () => {
      expect(await differences(readTar(packed()), to)).to.deep.equal([]);
      await writeFile(join(to, 'sub/file'), 'old');
      expect(await differences(readTar(packed()), to)).to.deep.equal([`${join(to, 'sub/file')} is another one`]);
      await rm(join(to, 'sub'), { recursive: true });
      await writeFile(join(to, 'sub'), '');
      expect(await differences(readTar(packed()), to)).to.include(`${join(to, 'sub')} is no folder`);
    });

    it('replace them, keep them beside if asked to, and leave everything else alone', async () => {
      await writeFile(join(to, 'sub/file'), 'old');
      const placed = await place(readTar(packed()), placing({ keepAs: '.before' }));
      expect(placed).to.deep.equal({ written: 0, same: 1, replaced: 1 });
      expect(await names(to)).to.deep.equal(['same', 'sub', 'sub/file', 'sub/file.before', 'theirs']);
      expect(await readFile(join(to, 'sub/file.before'), 'utf8')).to.equal('old');
    });

    it('do not go through a link that leads out, and do not follow one that stands in their place', async () => {
      await rm(join(to, 'sub'), { recursive: true });
      await mkdir(join(root, 'elsewhere'));
      await symlink('../elsewhere', join(to, 'sub'));
      const error: unknown = await place(readTar(packed()), placing()).catch((thrown: unknown) => thrown);
      expect((error as Error).message).to.match(/is a link that leads out/);
      expect(await names(join(root, 'elsewhere'))).to.deep.equal([]);
      await rm(join(to, 'sub'));
      await mkdir(join(to, 'sub'));
      await writeFile(join(root, 'elsewhere/target'), 'untouched');
      await symlink('../../elsewhere/target', join(to, 'sub/file'));
      await place(readTar(packed()), placing());
      expect((await lstat(join(to, 'sub/file'))).isFile()).to.equal(true);
      expect(await readFile(join(root, 'elsewhere/target'), 'utf8')).to.equal('untouched');
    });

    it('go on after a restore that was killed', async () => {
      await writeFile(join(to, 'sub/.interlock-restoring'), 'half');
      await place(readTar(packed()), placing());
      expect(await readFile(join(to, 'sub/file'), 'utf8')).to.equal('new');
      expect(await names(to)).not.to.include('sub/.interlock-restoring');
    });
  });

  it('are never put outside: where links lead is reckoned without the disk', () => {
    expect(targetOf('a/b', '../c', '/data')).to.equal('c');
    expect(targetOf('a/b', '../../c', '/data')).to.equal(undefined);
    expect(targetOf('a/b', '/c', '/data')).to.equal(undefined);
    expect(targetOf('etc/a', '/etc/b', '/')).to.equal('etc/b');
    const check = new PathCheck('/', [named('etc/interlock')]);
    check.admit({ kind: 'file', path: 'etc/interlock/x', target: '' });
    expect(() => check.admit({ kind: 'file', path: 'etc/interlocked', target: '' })).to.throw(/in none of its folders/);
    expect(() => check.admit({ kind: 'link', path: 'etc/interlock/l', target: '/etc/shadow' })).to.throw(/leads out/);
  });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function* oneChunk(content: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(content);
}

/** Root may read everything, so somebody else has to try. */
async function spawnAsNobody(folder: string): Promise<string> {
  await chmod(folder, 0o700);
  const script = `import('${new URL('../../../src/backup/folders/walk.ts', import.meta.url).href}').then(async ({ walk }) => {
    for await (const _ of walk({ root: process.argv[1], paths: [''], leaveOut: () => false }, () => undefined));
  }).catch(error => console.error(error.message))`;
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', script, folder], {
    uid: 65_534,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return output;
}
