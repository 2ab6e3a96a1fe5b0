import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { examine } from '../../../src/backup/examine.js';
import { digestOf } from '../../../src/backup/part.js';
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
