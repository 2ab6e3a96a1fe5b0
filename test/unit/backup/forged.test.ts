import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { examine } from '../../../src/backup/examine.js';
import { digestOf } from '../../../src/backup/part.js';
import { InterlockError } from '../../../src/core/errors.js';
import { system } from '../../../src/process/system.js';
import { BackedUp } from '../../support/backup.js';

/** Cases that `npm run test:fuzz -- inputs` has found: right checksums, and something in it that a restore could not have carried out. */
describe('a backup that somebody made who knows how one is sealed', () => {
  let backed: BackedUp;

  beforeEach(async () => {
    backed = await BackedUp.create();
    await backed.take();
  });
  afterEach(() => backed.remove());

  async function refused(): Promise<string> {
    const how = { schema: 1, clock: system.clock, note: () => undefined, signal: new AbortController().signal };
    const error: unknown = await examine(backed.directory, how).then(
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
