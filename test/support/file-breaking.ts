import { expect } from 'chai';

import { BAD_CASES, BAD_FILE, GOOD_FILES, breakable } from './file-cases.js';
import { begin, create, leftovers, run, seenOf, stored, type Mirror } from './mirror.js';
import { TestOrigin, sha256 } from './origin.js';
import { until } from './wait.js';

/** How a broken or cancelled sync must end, wherever it runs: nothing new to be seen, nothing unfinished left. */
export function describeBadOrigins(mirror: () => Mirror): void {
  describe('a repository whose origin breaks after it was published', () => {
    let origin: TestOrigin;
    let count = 0;

    before(async () => {
      origin = await TestOrigin.start();
    });
    after(() => origin.stop());

    /** A synced and published repository, the folder of its origin, and what a reader sees of it. */
    async function sound(settings: Record<string, unknown> = {}): Promise<{ name: string; folder: string; seen: unknown }> {
      count += 1;
      const name = `broken-${count}`;
      const url = origin.tree(name, GOOD_FILES);
      await create(mirror(), name, { url, ...settings });
      expect(await run(mirror(), name, 'sync')).to.include({ state: 'completed' });
      expect(await run(mirror(), name, 'publish')).to.include({ state: 'completed' });
      return { name, folder: name, seen: await see(name) };
    }

    function see(name: string): Promise<unknown> {
      return seenOf(mirror(), name, [...Object.keys(GOOD_FILES), 'new.txt', BAD_FILE]);
    }

    for (const { title, code, settings, asks, ...bad } of BAD_CASES) {
      it(`${title} fails the sync with ${code}, and nothing is seen or left of it`, async () => {
        const { name, folder, seen } = await sound(settings);
        bad.break(breakable(origin, folder));
        const ended = await run(mirror(), name, 'sync');
        expect(ended.state).to.equal('failed');
        expect(ended.error?.code, ended.error?.message).to.equal(code);
        expect(ended.createdResources).to.deep.equal([]);
        expect(await see(name)).to.deep.equal(seen);
        expect(await leftovers(mirror())).to.deep.equal([]);
        if (asks !== undefined)
          expect(origin.asked.filter(({ path }) => path === `/${folder}/${BAD_FILE}`)).to.have.lengthOf(asks);
      });
    }

    for (const [title, behaviour] of [
      ['arrives slowly', { body: 'slow '.repeat(2_000), trickle: true }],
      ['does not answer', { stall: 'headers' }],
      ['has stopped half-way', { body: 'x'.repeat(100), stall: 'body' }],
    ] as const) {
      it(`a cancel while a file ${title} ends as canceled, and nothing is seen or left of it`, async () => {
        const { name, folder, seen } = await sound();
        const body = 'body' in behaviour ? behaviour.body : 'never sent';
        origin.tree(folder, { ...GOOD_FILES, [BAD_FILE]: body });
        origin.but(`${folder}/${BAD_FILE}`, behaviour);
        const id = await begin(mirror(), name, 'sync');
        await until('the file is being sent', () => origin.asked.some(({ path }) => path === `/${folder}/${BAD_FILE}`));
        await mirror().cancel(id);
        expect((await mirror().final(id)).state).to.equal('canceled');
        expect(await see(name)).to.deep.equal(seen);
        expect(await leftovers(mirror())).to.deep.equal([]);
        await until('the connection is closed', () => origin.open === 0);
      });
    }

    it('an origin that is gone fails the sync with ORIGIN_UNREACHABLE', async () => {
      const gone = await TestOrigin.start();
      const url = gone.url;
      await gone.stop();
      await create(mirror(), 'gone', { url });
      const ended = await run(mirror(), 'gone', 'sync');
      expect(ended.error?.code).to.equal('ORIGIN_UNREACHABLE');
      expect(await leftovers(mirror())).to.deep.equal([]);
    });

    it('what was verified before a sync ended is kept by its address, and is not downloaded again', async () => {
      const { name, folder } = await sound();
      const files = { 'first.bin': `first ${name}`, 'second.bin': `second ${name}` };
      origin.tree(folder, files);
      origin.but(`${folder}/second.bin`, { stall: 'headers' });
      const id = await begin(mirror(), name, 'sync');
      await until('the first file is stored', async () => (await stored(mirror())).includes(sha256(files['first.bin'])));
      await mirror().cancel(id);
      await mirror().final(id);
      origin.tree(folder, files);
      const ended = await run(mirror(), name, 'sync');
      expect(ended.result).to.include({ version: 2, created: true, files: 2 });
      expect(ended.result).to.have.deep.property('downloaded', { files: 1, bytes: files['second.bin'].length });
      expect(origin.asked.filter(({ path }) => path === `/${folder}/first.bin`)).to.have.lengthOf(1);
    });
  });
}
