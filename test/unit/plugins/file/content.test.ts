import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { ContentStore, type Incoming } from '../../../../src/plugins/file/content.js';
import { sha256 } from '../../../support/origin.js';

describe('the content store', () => {
  let directory: string;
  let store: ContentStore;
  let incoming: Incoming;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'interlock-content-'));
    store = new ContentStore(directory);
    incoming = await store.receive('repo', 'task.1');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  function expected(body: string): { name: string; sha256: string; size: number } {
    return { name: 'f', sha256: sha256(body), size: Buffer.byteLength(body) };
  }

  it('keeps a file by what is in it, readable by its owner alone', async () => {
    await incoming.put(expected('hello'), bytes('hel', 'lo'));
    const path = store.pathOf(sha256('hello'));
    expect(await readFile(path, 'utf8')).to.equal('hello');
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect((await stat(join(directory, 'content'))).mode & 0o777).to.equal(0o700);
    expect(await store.has(expected('hello'))).to.equal(true);
  });

  it('says how much came, chunk by chunk', async () => {
    const received: number[] = [];
    await incoming.put(expected('hello'), bytes('hel', 'lo'), n => received.push(n));
    expect(received).to.deep.equal([3, 2]);
  });

  it('stops at the first byte too many', async () => {
    let asked = 0;
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) {
        asked += 1;
        yield await Promise.resolve(Buffer.from('xxx'));
      }
    };
    expect(await codeOf(incoming.put(expected('hello'), endless()))).to.equal('SIZE_MISMATCH');
    expect(asked).to.equal(2);
  });

  for (const [title, sent, code] of [
    ['too short', 'hell', 'SIZE_MISMATCH'],
    ['another', 'jello', 'CHECKSUM_MISMATCH'],
  ] as const) {
    it(`keeps nothing of a file that is ${title}`, async () => {
      expect(await codeOf(incoming.put(expected('hello'), bytes(sent)))).to.equal(code);
      expect(await store.has(expected('hello'))).to.equal(false);
      expect(await readdir(join(directory, 'content/incoming/repo/task.1'))).to.deep.equal([]);
    });
  }

  it('says so when the disk is full, and keeps nothing', async () => {
    const full = async function* (): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from('hel'));
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    expect(await codeOf(incoming.put(expected('hello'), full()))).to.equal('DISK_FULL');
    expect(await readdir(join(directory, 'content/incoming/repo/task.1'))).to.deep.equal([]);
  });

  it('takes a damaged file for absent, and replaces it', async () => {
    await incoming.put(expected('hello'), bytes('hello'));
    await writeFile(store.pathOf(sha256('hello')), 'he');
    expect(await store.has(expected('hello'))).to.equal(false);
    await incoming.put(expected('hello'), bytes('hello'));
    expect(await store.has(expected('hello'))).to.equal(true);
  });

  it('leaves the folder of a later start alone when an earlier one cleans up late', async () => {
    const later = await store.receive('repo', 'task.2');
    await incoming.remove();
    expect(await readdir(join(directory, 'content/incoming/repo'))).to.deep.equal(['task.2']);
    await later.remove();
    expect(await readdir(join(directory, 'content/incoming'))).to.deep.equal([]);
  });
});

async function* bytes(...parts: string[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield await Promise.resolve(Buffer.from(part));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
