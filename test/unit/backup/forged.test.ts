import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { changeOf } from '../../../src/backup/change.js';
import { examine } from '../../../src/backup/examine.js';
import type { Manifest } from '../../../src/backup/manifest.js';
import { digestOf } from '../../../src/backup/part.js';
import { headerOf, type Entry } from '../../../src/backup/tar/header.js';
import { InterlockError } from '../../../src/core/errors.js';
import { BackedUp, EXAMINING } from '../../support/backup.js';

/** Cases that `npm run test:fuzz -- inputs` has found: right checksums, and something in it that a restore could not have carried out. */
describe('a backup that somebody made who knows how one is sealed', () => {
  let backed: BackedUp;

  beforeEach(async () => {
    backed = await BackedUp.create();
    await backed.take();
  });
  afterEach(() => backed.remove());

  async function refused(): Promise<string> {
    const error: unknown = await examine(backed.directory, EXAMINING).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof InterlockError)) return expect.fail(`no InterlockError, but ${String(error)}`);
    expect(error.message).to.match(/Nothing was changed\.$/);
    return error.message;
  }

  const records: [what: string, content: string | Buffer, refusal: RegExp][] = [
    ['no JSON', '{"queues": [', /topology\.json\.gz is no JSON object/],
    ['nothing', '', /topology\.json\.gz is no JSON object/],
    ['null', 'null', /topology\.json\.gz is no JSON object/],
    ['a name for a list of queues', '{"queues": "default"}', /"queues" in broker\/topology\.json\.gz is no list of names/],
    ['a number for a worker', '{"workers": [7]}', /"workers" in broker\/topology\.json\.gz is no list of names/],
    ['a queue without a name', '{"queues": [""]}', /"queues" in broker\/topology\.json\.gz holds "", which is no such name/],
    [
      'a worker with a slash',
      '{"workers": ["../w1"]}',
      /"workers" in broker\/topology\.json\.gz holds "\.\.\/w1", which is no such name/,
    ],
    ['spaces without end', Buffer.alloc(70 * 1_048_576, ' '), /topology\.json\.gz holds more than 67108864 bytes/],
  ];
  for (const [what, content, refusal] of records) {
    it(`is refused with ${what} in the record of the broker`, async () => {
      await backed.forge('broker/topology.json.gz', () => Buffer.from(content));
      expect(await refused()).to.match(refusal);
    });
  }

  const document = (...bytes: number[]): Buffer => Buffer.from([bytes.length + 5, 0, 0, 0, ...bytes, 0]);
  const documents: [what: string, bytes: Buffer][] = [
    ['a type that there is not', document(0x44, 0x61, 0, 1)],
    ['a text that is longer than it', document(0x02, 0x61, 0, 0xff, 0, 0, 0, 0x62, 0)],
    ['bytes that are no UTF-8', document(0x02, 0x61, 0, 2, 0, 0, 0, 0xff, 0)],
    ['a name without an end', document(0x0a, 0x61, 0x62)],
  ];
  for (const [what, bytes] of documents) {
    it(`is refused with ${what} in a document`, async () => {
      await backed.forge(
        'database/tasks.bson.gz',
        content => Buffer.concat([content, bytes]),
        manifest => void (manifest.database.collections[0]!.documents += 1),
      );
      expect(await refused()).to.match(/tasks\.bson\.gz holds a document that cannot be read/);
    });
  }

  const manifests: [what: string, change: (manifest: Manifest) => unknown, refusal: RegExp][] = [
    [
      'a cut at no time',
      ({ database }) => (database.cut.at = '2026-13-31T00:00:00.000Z'),
      /a time that there is not: 2026-13-31T/,
    ],
    ['a number that is none any more', ({ database }) => (database.given.seq = 1e300), /manifest\.json \/database\/given\/seq/],
    ['settings below a folder', ({ folders }) => (folders[0]!.root = '/srv'), /says that settings lies below "\/srv"/],
    ['content below everything', ({ folders }) => (folders[1]!.root = '/'), /says that content lies below "\/"/],
  ];
  for (const [what, change, refusal] of manifests) {
    it(`is refused with ${what}`, async () => {
      await backed.reseal(change);
      expect(await refused()).to.match(refusal);
    });
  }

  it('is refused when a restore would give numbers beyond all that are exact', () => {
    const standing = { now: new Date(), occupied: [], given: { seq: 1, fence: 1, epoch: 1, generation: 1 } };
    const given = { ...standing.given, fence: Number.MAX_SAFE_INTEGER - 5 };
    const manifest = { id: 'b', database: { cut: { at: '2026-01-01T00:00:00.000Z' }, given } } as Manifest;
    expect(() => changeOf(manifest, standing, false)).to.throw(InterlockError, /numbers so high.*Nothing was changed\.$/);
  });

  const numbers: [what: string, change: Partial<Entry>][] = [
    ['a mode', { mode: 0o10000 }],
    ['an owner', { uid: 2 ** 32 }],
    ['a group', { gid: 2 ** 40 }],
  ];
  for (const [what, change] of numbers) {
    it(`is refused with ${what} that no file can have`, async () => {
      const entry: Entry = { kind: 'file', path: 'a', target: '', size: 0, mode: 0o644, uid: 0, gid: 0, mtime: 0, ...change };
      const forged = what === 'a mode' ? withMode(headerOf(entry), '0010000') : headerOf(entry);
      await backed.forge(
        'files/content.tar.gz',
        content => Buffer.concat([forged, content]),
        manifest => void (manifest.folders[1]!.entries += 1),
      );
      expect(await refused()).to.match(/a mode or an owner that cannot be/);
    });
  }

  for (const path of ['broker/topology.json.gz', 'settings/in-force.json.gz']) {
    it(`is refused when ${path} cannot be unpacked`, async () => {
      const file = join(backed.directory, path);
      await writeFile(file, (await readFile(file)).subarray(0, -9));
      const digest = await digestOf(file, new AbortController().signal);
      await backed.reseal(manifest =>
        Object.assign(
          manifest.parts.find(part => part.path === path)!,
          digest,
        ),
      );
      expect(await refused()).to.include(`${path} cannot be unpacked`);
    });
  }
});

/** Which no header of ours has. */
function withMode(header: Buffer, mode: string): Buffer {
  header.write(mode, 100, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
