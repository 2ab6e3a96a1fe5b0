import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { TestOrigin } from '../support/origin.js';
import { commandLines, commandsOf } from '../support/page-commands.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = { 'a.txt': 'first', 'b.txt': 'second' };

/** Commands of pages that have no test of their own otherwise. */
describe('the commands of', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let origin: TestOrigin;

  before(async () => {
    origin = await TestOrigin.start();
    deployment = await Deployment.create({ timingScale: 1, taskModules: [join(TEST_TASKS, 'calculator.ts')] });
    await deployment.startAll();
  });
  after(async () => {
    await deployment.destroy();
    await origin.stop();
  });

  /** As written, but for the addresses; gives what it printed. */
  async function shell(command: string): Promise<string> {
    const here = command
      .replaceAll('localhost:8787', deployment.url)
      .replaceAll('https://example.org/files/', `${origin.url}files/`)
      .replaceAll(/^interlock /gm, 'scripts/interlock ');
    const child = spawn('sh', ['-ec', here], { cwd: ROOT, env: deployment.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code, `${here}\n${stderr}`).to.equal(0);
    expect(stdout, here).to.not.match(/"status":\s*[45]\d\d/);
    return stdout;
  }

  it('docs/api.md: a first minute', async () => {
    const [status = '', types = '', task = ''] = await each(commandLines(commandsOf('docs/api.md', import.meta.url)[0] ?? ''));
    expect(JSON.parse(status)).to.include({ healthy: true });
    expect(types).to.include('calculator.add');
    expect(task)
      .to.match(/^HTTP\/1.1 200/)
      .and.match(/"result":3\b/);
  });

  it('docs/api.md: many at once', async () => {
    const [answer = ''] = await each(commandLines(commandsOf('docs/api.md', import.meta.url)[1] ?? ''));
    expect(JSON.parse(answer)).to.include({ action: 'retry', dryRun: true, count: 0 });
  });

  it('docs/doctor.md', async () => {
    const answers = await each(commandLines(commandsOf('docs/doctor.md', import.meta.url)[0] ?? ''));
    expect(answers).to.have.length(3);
    for (const answer of answers) expect(JSON.parse(answer)).to.deep.include({ ok: true, findings: [] });
  });

  it('docs/audit.md', async () => {
    const answers = await each(commandLines(commandsOf('docs/audit.md', import.meta.url)[0] ?? ''));
    expect(answers).to.have.length(4);
    for (const answer of answers) expect(JSON.parse(answer)).to.include({ ok: true });
  });

  it('docs/file-plugin.md', async () => {
    origin.tree('files', FILES);
    const lines = commandLines(commandsOf('docs/file-plugin.md', import.meta.url)[0] ?? '');
    const read = lines.pop() ?? '';
    const made = await shell(lines.join('\necho\n'));
    const ids = [...made.matchAll(/"id":\s*"([0-9a-f-]{36})"/g)].map(([, id = '']) => id);
    for (const id of ids.slice(-2)) expect(await deployment.final(id)).to.include({ state: 'completed' });
    expect(await shell(read)).to.match(/^a\.txt,[0-9a-f]{64},5\nb\.txt,[0-9a-f]{64},6\n$/);
  });

  async function each(lines: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const line of lines) answers.push(await shell(line));
    return answers;
  }
});
