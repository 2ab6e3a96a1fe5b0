import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Deployment } from '../support/deployment.js';
import { commandLines, commandsOf } from '../support/page-commands.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

describe("the README's commands", function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let folder: string;

  before(async () => {
    // Inside the checkout, where `interlock` and `typebox` are found as in a folder that has the package installed.
    await mkdir(join(ROOT, '.interlock'), { recursive: true });
    folder = await mkdtemp(join(ROOT, '.interlock/readme-'));
    const [, taskCode = ''] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];
    await writeFile(join(folder, 'tasks.ts'), taskCode);
    deployment = await Deployment.create({ timingScale: 1, taskModules: [join(folder, 'tasks.ts')] });
    await deployment.startAll();
  });
  after(async () => {
    await deployment.destroy();
    await rm(folder, { recursive: true, force: true });
  });

  for (const command of commandsOf('README.md', import.meta.url).flatMap(commandLines)) {
    it(`work as written: ${command}`, async () => {
      const here = command.replaceAll('http://127.0.0.1:8787', deployment.url);
      const child = spawn('sh', ['-c', here], { cwd: ROOT, env: deployment.env, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code, output).to.equal(0);
      expect(output).to.not.match(/"status":\s*[45]\d\d/);
      expect(output.trim()).to.not.equal('');
    });
  }

  it('include the typed task, which runs as the README defines it', async () => {
    const task = await deployment.submit({ name: 'repository.sync', kwargs: { repository: 'centos' } });
    const ended = await deployment.final(task.id);
    expect(ended).to.include({ state: 'completed' });
    expect(ended.result).to.include({ repository: 'centos' });
    expect((ended.result as { fence: number }).fence).to.be.greaterThan(0);
  });
});
