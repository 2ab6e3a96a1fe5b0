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

import { until } from '../../../support/wait.js';
import { WorkerDirectory, workerDirectoryOf } from '../../../../src/worker/children/directory.js';

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
    expect([task.path, modeOf(task.path)]).to.deep.equal([path.join(directory.path, 'id'), 0o700]);
    writeFileSync(path.join(task.path, 'file'), '');
    const again = await directory.createTask('id');
    expect([again.path, readdirSync(again.path)]).to.deep.equal([task.path, []]);
    await again.remove();
    await again.remove();
    expect(existsSync(task.path)).to.equal(false);
  });

  it('does not let the removal of an earlier start meet the directory of a later one, in whatever order they come', async () => {
    const directory = new WorkerDirectory(path.join(root, 'worker'));
    await directory.create();
    const fill = (folder: string): void => {
      for (let n = 0; n < 300; n++) mkdirSync(path.join(folder, `d${n}`));
    };
    for (let round = 0; round < 20; round++) {
      const earlier = await directory.createTask('id');
      fill(earlier.path);
      const removing = round % 2 === 0 ? earlier.remove() : undefined;
      const later = await directory.createTask('id');
      writeFileSync(path.join(later.path, 'mine'), '');
      await (removing ?? earlier.remove());
      expect(readdirSync(later.path), `round ${round}`).to.deep.equal(['mine']);
      await later.remove();
      expect(existsSync(later.path)).to.equal(false);
    }
    await until('all is deleted', () => readdirSync(directory.path).length === 0);
  });

  it('is deleted with all that is still on its way out', async () => {
    const directory = new WorkerDirectory(path.join(root, 'worker'));
    await directory.create();
    const tasks = await Promise.all(Array.from({ length: 20 }, (_, n) => directory.createTask(`id ${n}`)));
    for (const task of tasks) for (let n = 0; n < 50; n++) mkdirSync(path.join(task.path, `d${n}`));
    await Promise.all(tasks.map(task => task.remove()));
    await directory.delete();
    expect(existsSync(directory.path)).to.equal(false);
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
