import { expect } from 'chai';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, readCached, type Cache, type Recipe } from '../../../src/servers/binaries/cache.js';
import { rejection, scratchFolder } from './scratch.js';

describe('the cache of binaries', () => {
  let scratch: ReturnType<typeof scratchFolder>;
  let cache: Cache;
  let lines: string[];
  let builds: number;
  const recipe: Recipe = {
    name: 'thing-1',
    title: 'The thing',
    build: into => {
      builds++;
      writeFileSync(join(into, 'program'), 'content');
      return Promise.resolve({ version: '1.2.3' });
    },
  };
  beforeEach(() => {
    scratch = scratchFolder();
    lines = [];
    builds = 0;
    cache = { folder: scratch.path, report: line => lines.push(line) };
  });
  afterEach(() => scratch.remove());

  it('builds once, says so, and gives the same folder and facts from then on', async () => {
    const first = await cached(cache, recipe);
    const second = await cached(cache, recipe);
    expect(first).to.deep.equal({ path: join(scratch.path, 'thing-1'), facts: { version: '1.2.3' } });
    expect(second).to.deep.equal(first);
    expect(builds).to.equal(1);
    expect(lines[0]).to.equal('preparing The thing ...');
    expect(lines[1]).to.match(/^The thing is ready \(\d+\.\d s\)$/);
  });

  it('lets two that come at once build once', async () => {
    await Promise.all([cached(cache, recipe), cached(cache, recipe), cached(cache, recipe)]);
    expect(builds).to.equal(1);
  });

  it('does not take an unfinished folder for a finished one, and repairs it', async () => {
    mkdirSync(join(scratch.path, 'thing-1'));
    writeFileSync(join(scratch.path, 'thing-1', 'program'), 'cont');
    mkdirSync(join(scratch.path, 'thing-1.building.1-999999999999'));
    expect(readCached(cache, 'thing-1')).to.equal(undefined);
    const { path } = await cached(cache, recipe);
    expect(readFileSync(join(path, 'program'), 'utf8')).to.equal('content');
    expect(readdirSync(scratch.path).sort()).to.deep.equal(['thing-1', 'thing-1.lock']);
  });

  it('leaves nothing behind when building fails', async () => {
    const failing = { ...recipe, build: () => Promise.reject(new Error('no network')) };
    expect(((await rejection(cached(cache, failing))) as Error).message).to.equal('no network');
    expect(existsSync(join(scratch.path, 'thing-1'))).to.equal(false);
    expect(readdirSync(scratch.path)).to.deep.equal(['thing-1.lock']);
    expect((await cached(cache, recipe)).facts).to.deep.equal({ version: '1.2.3' });
  });
});
