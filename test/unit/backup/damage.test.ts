import { expect } from 'chai';
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { examine } from '../../../src/backup/examine.js';
import { restore, restoreSettings } from '../../../src/backup/restore.js';
import { headerOf, type Entry } from '../../../src/backup/tar/header.js';
import { InterlockError } from '../../../src/core/errors.js';
import { system } from '../../../src/process/system.js';
import type { ArchiveStore } from '../../../src/store/archive.js';
import { BackedUp, EXAMINING as HOW } from '../../support/backup.js';

const PARTS = ['database/tasks.bson.gz', 'database/meta.bson.gz', 'files/content.tar.gz', 'files/settings.tar.gz'];
const FILES = [...PARTS, 'broker/topology.json.gz', 'settings/in-force.json.gz', 'manifest.json', 'SHA256SUMS'];

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => undefined).catch((thrown: unknown) => thrown);
  if (!(error instanceof InterlockError)) return expect.fail(`no InterlockError, but ${String(error)}`);
  return error.message;
}

/** Touching anything is a failure of the test. */
const untouchable = new Proxy({} as ArchiveStore, {
  get: (_, name) => expect.fail(`the database was asked for ${String(name)}`),
});

describe('a backup that cannot be trusted', () => {
  let backed: BackedUp;

  beforeEach(async () => {
    backed = await BackedUp.create();
    await backed.take();
  });
  afterEach(() => backed.remove());

  const refused = async (): Promise<string> => {
    const message = await refusal(examine(backed.directory, HOW));
    const deps = {
      ...HOW,
      archive: untouchable,
      processes: untouchable as never,
      topology: () => expect.fail('the broker was asked'),
    };
    const rest = {
      timing: { heartbeatMs: 1, watchMs: 1, ttlMs: 1 },
      runtime: system,
      roots: { content: backed.root, work: backed.root },
      by: '',
    };
    const options = { requeue: false, replace: true, databaseOnly: false };
    expect(await refusal(restore({ ...deps, ...rest }, backed.directory, options))).to.equal(message);
    await rm(join(backed.root, 'etc'), { recursive: true });
    expect(await refusal(restoreSettings(HOW, backed.directory, true))).to.equal(message);
    expect(await readdir(backed.root), 'no file was put back').not.to.include('etc');
    return message;
  };

  it('is none that is whole', async () => {
    const manifest = await examine(backed.directory, HOW);
    expect(manifest.parts.map(part => part.path).sort()).to.deep.equal(FILES.slice(0, 6).sort());
  });

  for (const file of FILES) {
    it(`is one in which a byte of ${file} has flipped`, async () => {
      const content = await readFile(join(backed.directory, file));
      for (const at of [0, content.length >> 1, content.length - 2]) {
        const spoilt = Buffer.from(content);
        spoilt[at] = (spoilt[at] ?? 0) ^ 1;
        await writeFile(join(backed.directory, file), spoilt);
        expect(await refusal(examine(backed.directory, HOW)), `byte ${at}`).to.match(/Nothing was changed/);
      }
      await refused();
    });

    it(`is one in which ${file} is cut short`, async () => {
      await truncate(join(backed.directory, file), 5);
      expect(await refused()).to.match(/Nothing was changed/);
    });

    it(`is one in which ${file} is missing`, async () => {
      await rm(join(backed.directory, file));
      expect(await refused()).to.match(file === 'manifest.json' ? /holds no backup/ : new RegExp(`${file} is missing`));
    });
  }

  it('is one that holds something else besides: a file, a link, a folder in a folder', async () => {
    const cases: [string, () => Promise<unknown>][] = [
      ['more', () => writeFile(join(backed.directory, 'more'), '')],
      ['database/more', () => writeFile(join(backed.directory, 'database/more'), '')],
      ['database/deep', () => mkdir(join(backed.directory, 'database/deep'))],
      ['link', () => symlink('/etc/passwd', join(backed.directory, 'link'))],
    ];
    for (const [name, plant] of cases) {
      await plant();
      expect(await refusal(examine(backed.directory, HOW))).to.include(name);
      await rm(join(backed.directory, name), { recursive: true });
    }
  });

  it('is one of a newer Interlock, by its format or by its schema', async () => {
    await backed.reseal(manifest => Object.assign(manifest, { version: 2, versions: { interlock: '9.9.9' }, added: 1 }));
    expect(await refused()).to.match(/made by a newer Interlock \(9\.9\.9: format 2/);
    await mkdir(join(backed.root, 'etc'));
    await backed.reseal(manifest =>
      Object.assign(manifest, { version: 1, versions: { interlock: '9.9.9', node: '', mongo: '' } }),
    );
    await backed.reseal(manifest => Object.assign(manifest.database, { schema: 2 }));
    expect(await refused()).to.match(/schema 2, this one knows up to 1/);
  });

  it('is one of something else', async () => {
    await writeFile(join(backed.directory, 'manifest.json'), '{"format": "tar", "version": 1}');
    expect(await refused()).to.match(/no backup of Interlock's/);
    expect(await refusal(examine(join(backed.root, 'nowhere'), HOW))).to.match(/There is no backup at .*nowhere/);
    expect(await refusal(examine(join(backed.content, 'sub/file'), HOW))).to.match(/it is no folder/);
    expect(await refusal(examine(backed.content, HOW))).to.match(/never came to its end/);
  });

  it('is one whose manifest contradicts itself or its parts, whatever its checksums say', async () => {
    const cases: [RegExp, Parameters<BackedUp['reseal']>[0]][] = [
      [/gives no checksum for it/, manifest => void (manifest.database.collections[0]!.path = 'database/other.bson.gz')],
      [/names tasks twice/, manifest => void (manifest.database.collections[1]!.name = 'tasks')],
      [/holds 1 documents, not 2/, manifest => void (manifest.database.collections[0]!.documents = 2)],
      [/holds 3 entries, not 9/, manifest => void (manifest.folders[1]!.entries = 9)],
      [/manifest\.json \/parts\/0\/path/, manifest => void (manifest.parts[0]!.path = '../../etc/passwd')],
      [/manifest\.json \/database\/cut\/at/, manifest => void (manifest.database.cut.at = 'yesterday')],
    ];
    const before = await backed.manifest();
    for (const [message, change] of cases) {
      await backed.reseal(change);
      expect(await refusal(examine(backed.directory, HOW))).to.match(message);
      await backed.reseal(manifest => void Object.assign(manifest, structuredClone(before)));
    }
  });

  it('is one whose documents are none', async () => {
    const length = (value: number): Buffer => Buffer.from(Int32Array.of(value).buffer);
    for (const content of [
      length(3),
      length(2_000_000_000),
      Buffer.concat([length(8), Buffer.from('abcd')]),
      Buffer.from('ab'),
      length(100),
    ]) {
      await backed.forge('database/tasks.bson.gz', () => content);
      expect(await refusal(examine(backed.directory, HOW))).to.match(/damaged/);
    }
  });

  describe('because of an entry of an archive that leads out of its folder:', () => {
    const entry = (path: string, change: Partial<Entry> = {}): Entry => ({
      ...{ kind: 'file', path, target: '', size: 0, mode: 0o644, uid: 0, gid: 0, mtime: 0 },
      ...change,
    });
    const link = (path: string, target: string): Entry => entry(path, { kind: 'link', target });
    const evil: [string, Entry[]][] = [
      ['..', [entry('../outside')]],
      ['.. in the middle', [entry('sub/../../outside')]],
      ['an absolute path', [entry('/etc/outside')]],
      ['a dot', [entry('./sub')]],
      ['an empty name', [entry('')]],
      ['a link to an absolute path', [link('sub/evil', '/etc')]],
      ['a link upwards', [link('sub/evil', '../../etc')]],
      ['a file behind a link', [link('sub/evil', '.'), entry('sub/evil/file')]],
      ['a long name upwards', [entry(`${'a/'.repeat(80)}../../x`)]],
    ];
    for (const [what, entries] of evil) {
      it(what, async () => {
        await backed.forge(
          'files/content.tar.gz',
          content => Buffer.concat([...entries.map(headerOf), content]),
          manifest => void (manifest.folders[1]!.entries += entries.length),
        );
        expect(await refused()).to.match(/leads out of its folder|lies behind a link/);
      });
    }

    it('settings beside those that it says it holds', async () => {
      const stranger = headerOf(entry('etc/passwd'));
      await backed.forge('files/settings.tar.gz', content => Buffer.concat([stranger, content]));
      expect(await refused()).to.match(/etc\/passwd, which is in none of its folders/);
    });
  });

  it('is one whose archive is none, or goes on behind its end', async () => {
    const cases: [RegExp, (content: Buffer) => Buffer][] = [
      [/ends without its end/, content => content.subarray(0, -1_024)],
      [/comes after the end/, content => Buffer.concat([content, Buffer.from('more'.repeat(128))])],
      [/wrong checksum/, content => Buffer.concat([Buffer.alloc(512, '1'), content])],
      [/bytes too early/, content => content.subarray(0, 1_000)],
      [/a kind that no backup has/, content => Buffer.concat([withType(content.subarray(0, 512), '3'), content.subarray(512)])],
    ];
    const file = join(backed.directory, 'files/content.tar.gz');
    const [sound, manifest] = [await readFile(file), await backed.manifest()];
    for (const [message, change] of cases) {
      await backed.forge('files/content.tar.gz', change);
      expect(await refusal(examine(backed.directory, HOW))).to.match(message);
      await writeFile(file, sound);
      await backed.reseal(now => void Object.assign(now, structuredClone(manifest)));
    }
  });
});

function withType(header: Buffer, type: string): Buffer {
  const changed = Buffer.from(header);
  changed.write(type, 156, 'latin1');
  changed.fill(' ', 148, 156);
  const sum = changed.reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return changed;
}
