import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { WorkerDirectory, workerDirectoryOf } from '../../../../src/worker/prefork/directory.js';

const modeOf = (file: string): number => statSync(file).mode & 0o777;

describe('The directory of a worker', function () {
  this.timeout(30_000);
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'interlock-directory-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is called like the worker, and cannot lie elsewhere', () => {
    expect(workerDirectoryOf('/root', 'worker@host.example')).to.equal('/root/worker@host.example');
    for (const name of ['', '.', '..', 'a/b', '../x', 'a\0b']) expect(() => workerDirectoryOf('/root', name)).to.throw(TypeError);
  });

  it('is made for the owner alone, with those above it, and anew when it is there', async () => {
    const directory = new WorkerDirectory(path.join(root, 'a', 'b', 'worker'));
    await directory.create();
    writeFileSync(path.join(directory.path, 'leftover'), '');
    await directory.create();
    expect(readdirSync(directory.path)).to.deep.equal([]);
    expect(modeOf(directory.path)).to.equal(0o700);
  });

  it('holds a directory for each task, emptied of an earlier attempt', async () => {
    const directory = new WorkerDirectory(path.join(root, 'worker'));
    await directory.create();
    const task = await directory.createTask('id');
    expect([task, modeOf(task)]).to.deep.equal([path.join(directory.path, 'id'), 0o700]);
    writeFileSync(path.join(task, 'file'), '');
    expect(readdirSync(await directory.createTask('id'))).to.deep.equal([]);
    await directory.deleteTask('id');
    await directory.deleteTask('id');
    expect(existsSync(task)).to.equal(false);
  });

  it('is deleted without following symbolic links, even in its own place', async () => {
    const precious = path.join(root, 'precious');
    mkdirSync(precious);
    writeFileSync(path.join(precious, 'file'), 'kept');
    const directory = new WorkerDirectory(path.join(root, 'worker'));
    await directory.create();
    symlinkSync(precious, path.join(directory.path, 'link'));
    await directory.delete();
    symlinkSync(precious, directory.path);
    await directory.create();
    expect(readFileSync(path.join(precious, 'file'), 'utf8')).to.equal('kept');
  });

  it('is deleted when a task took the rights away, as an ordinary user', () => {
    const script = fileURLToPath(new URL('../../../support/delete-locked.ts', import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, root], { encoding: 'utf8' });
    expect(stdout, stderr).to.equal('refused before, gone after\n');
  });
});
