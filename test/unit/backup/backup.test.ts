import { expect } from 'chai';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { BSON } from 'mongodb';

import { InterlockError } from '../../../src/core/errors.js';
import { identify } from '../../../src/process/identity.js';
import { BackedUp, snapshotOf } from '../../support/backup.js';

describe('a backup', () => {
  let backed: BackedUp;

  beforeEach(async () => {
    backed = await BackedUp.create();
  });
  afterEach(() => backed.remove());

  const failure = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.then(() => undefined).catch((thrown: unknown) => thrown);
    if (!(error instanceof InterlockError)) return expect.fail(`no InterlockError, but ${String(error)}`);
    return error.message;
  };
  const left = async (): Promise<string[]> => (await readdir(backed.root)).filter(name => name.startsWith('backup'));

  it('is for its owner alone, and its documents are those of mongodump', async () => {
    const report = await backed.take();
    expect(report).to.include({ documents: 2, files: 5, leftOut: 0, brokerReached: false });
    expect((await stat(backed.directory)).mode & 0o777).to.equal(0o700);
    for (const name of await readdir(backed.directory, { recursive: true })) {
      const found = await stat(join(backed.directory, name));
      expect(found.mode & 0o077, name).to.equal(0);
    }
    const bytes = gunzipSync(await readFile(join(backed.directory, 'database/tasks.bson.gz')));
    expect(BSON.deserialize(bytes)).to.deep.equal({ _id: 'a', state: 'completed', seq: 1 });
  });

  it('is not shown on the way: neither secrets nor what files hold', async () => {
    await backed.take();
    expect(backed.notes.join('\n')).not.to.include('secret');
  });

  it('is under another name until it is whole, and gone when it fails', async () => {
    let seen: string[] = [];
    const failing = snapshotOf({ tasks: [] });
    failing.documents = async function* () {
      seen = await left();
      yield [];
      throw new InterlockError('CONFLICT', 'the server is gone');
    };
    const archive = { database: 'interlock', snapshot: () => Promise.resolve(failing) };
    expect(await failure(backed.take({ archive }))).to.equal('the server is gone');
    expect(seen).to.deep.equal(['backup.unfinished']);
    expect(await left()).to.deep.equal([]);
    await backed.take();
    expect(await left()).to.deep.equal(['backup']);
  });

  it('leaves nothing when it is interrupted', async () => {
    const asked = new AbortController();
    const inventory = (): Promise<undefined> => {
      asked.abort(new InterlockError('CONFLICT', 'Interrupted by SIGINT.'));
      return Promise.resolve(undefined);
    };
    await backed.take({ inventory, signal: asked.signal }).then(
      () => expect.fail('it went on'),
      () => undefined,
    );
    expect(await left()).to.deep.equal([]);
  });

  it('does not overwrite anything', async () => {
    await mkdir(backed.directory);
    await backed.take();
    expect(await left(), 'an empty folder is taken').to.deep.equal(['backup']);
    expect(await failure(backed.take())).to.match(/is not empty/);
    expect((await readdir(backed.directory)).length).to.be.greaterThan(4);
    await writeFile(`${backed.directory}-file`, '');
    const asFile = Object.create(backed, { directory: { value: `${backed.directory}-file` } }) as BackedUp;
    expect(await failure(asFile.take())).to.match(/cannot be written to .*backup-file/);
  });

  it('refuses to begin beside another one, and clears away what a killed one left', async () => {
    const folder = `${backed.directory}.unfinished`;
    await mkdir(folder);
    await writeFile(join(folder, 'owner.json'), JSON.stringify(identify()));
    expect(await failure(backed.take())).to.match(/Another backup is being written/);
    await writeFile(join(folder, 'owner.json'), JSON.stringify({ ...identify(), startTicks: 1 }));
    await writeFile(join(folder, 'junk'), '');
    await backed.take();
    expect(await left()).to.deep.equal(['backup']);
    expect(await readdir(backed.directory)).not.to.include('junk');
  });

  it('waits for nobody to name the owner of a folder, but not for ever', async () => {
    const folder = `${backed.directory}.unfinished`;
    await mkdir(folder);
    expect(await failure(backed.take()), 'it may be about to').to.match(/Another backup is being written/);
    await utimes(folder, 1, 1);
    await backed.take();
    expect(await left()).to.deep.equal(['backup']);
  });
});
