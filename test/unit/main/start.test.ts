import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { identify, statOf } from '../../../src/process/identity.js';
import { readFlags } from '../../../src/main/start/flags.js';
import { startOrigin } from '../../../src/main/start/origin.js';
import { verify } from '../../../src/main/start/verify.js';
import { ownFolder } from '../../../src/main/stack/folders.js';
import { scriptedApi } from '../../support/scripted-api.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

describe('npm start', () => {
  it('understands its flags, and refuses others', () => {
    expect(readFlags([])).to.deep.equal({ once: false, mirror: undefined, json: false });
    expect(readFlags(['--once', '--json', '--mirror', 'http://h/x/'])).to.deep.equal({
      once: true,
      mirror: 'http://h/x/',
      json: true,
    });
    expect(readFlags(['--help'])).to.equal(undefined);
    for (const bad of [['--onec'], ['x'], ['--mirror', 'ftp://h'], ['--mirror', 'h']])
      expect(() => readFlags(bad), bad.join(' ')).to.throw(TypeError);
  });

  it('serves real files under a manifest that is right, and holds it back until both syncs stand in line', async () => {
    const origin = await startOrigin(ROOT);
    try {
      let released = false;
      const reading = fetch(`${origin.url}PULP_MANIFEST`).then(async response => ({ released, text: await response.text() }));
      await fetch(`${origin.url}LICENSE`); // answered while the manifest is held
      released = true;
      origin.release();
      const manifest = await reading;
      expect(manifest.released).to.equal(true);
      const lines = manifest.text.trim().split('\n');
      expect(lines.length).to.be.greaterThan(10);
      for (const line of lines) {
        const [name = '', sum, size] = line.split(',');
        const content = await (await fetch(origin.url + name)).text();
        expect([sum, Number(size)], name).to.deep.equal([sha256(content), Buffer.byteLength(content)]);
      }
      expect((await fetch(`${origin.url}.npmrc`)).status).to.equal(404);
    } finally {
      await origin.close();
    }
  });

  it('finds a published file that is not what its manifest says', async () => {
    const files: Record<string, string> = { 'good,name': 'abc', short: 'ab', other: 'xyz' };
    const manifest = Object.keys(files)
      .map(name => `${name},${sha256('abc')},3\n`)
      .join('');
    const api = await scriptedApi(({ path }) => {
      const name = decodeURIComponent(path.replace('/content/demo/', ''));
      return { body: name === 'PULP_MANIFEST' ? manifest : files[name], headers: { 'content-type': 'text/plain' } };
    });
    try {
      const verified = await verify({ url: api.url, fetch }, 'demo', new AbortController().signal);
      expect(verified).to.include({ files: 3, bytes: 9 });
      expect(verified.faults).to.have.members(["other: another checksum than the manifest's", 'short: 2 bytes, not 3']);
    } finally {
      await api.close();
    }
  });

  it('takes a folder of its own, and removes those of commands that are dead', () => {
    const base = mkdtempSync(join(tmpdir(), 'interlock-folders-'));
    try {
      const { pid, startTicks } = identify();
      const [dead, reused, living] = [`${2 ** 22 + 1}-1`, `${pid}-${startTicks + 1}`, `1-${startTicksOfInit()}`].map(name =>
        join(base, name),
      );
      for (const path of [dead!, reused!, living!]) {
        mkdirSync(path);
        writeFileSync(join(path, 'file'), '');
      }
      const own = ownFolder(base);
      expect(own.path).to.equal(join(base, `${pid}-${startTicks}`));
      expect([dead!, reused!, living!, own.path].map(path => existsSync(path))).to.deep.equal([false, false, true, true]);
      own.remove();
      expect(existsSync(own.path)).to.equal(false);
    } finally {
      rmSync(base, { recursive: true });
    }
  });
});

function startTicksOfInit(): number {
  return statOf(1)?.startTicks ?? expect.fail('there is no process 1');
}
