import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { Deployment, type Role } from '../support/deployment.js';
import { allGone, liveRoles, type LiveRole } from '../support/live-roles.js';
import { until } from '../support/wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('Everything in one terminal, when something of it is killed', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  beforeEach(async () => {
    deployment = await Deployment.create({ env: { INTERLOCK_LOG_LEVEL: 'info' } });
    writeFileSync(join(deployment.directory, 'mine.mjs'), "export async function word() { return 'mine'; }\n");
    deployment.env.INTERLOCK_TASK_MODULES = join(deployment.directory, 'mine.mjs');
    delete deployment.env.INTERLOCK_WORKING_DIRECTORY; // dev has its own
    delete deployment.env.INTERLOCK_DATA_DIRECTORY;
  });
  afterEach(() => deployment.destroy());

  async function dev(): Promise<Role> {
    const started = deployment.start('dev', ['-c', '2']);
    await until('dev is ready', () => started.output.includes('ready - try'), { timeoutMs: 120_000 });
    return started;
  }

  const gone = (seen: readonly LiveRole[]): Promise<boolean> =>
    until('its roles are gone', () => allGone(seen), { timeoutMs: 60_000 });
  const works = async (): Promise<void> => {
    const task = await deployment.submit({ name: 'mine.word' });
    expect((await deployment.final(task.id)).result).to.equal('mine');
  };

  it('starts a role again, and says so', async () => {
    const started = await dev();
    const worker = (await liveRoles(deployment)).find(({ role }) => role === 'worker')!;
    process.kill(worker.pid, 'SIGKILL');
    const back = /the worker ended \(SIGKILL\); starting it again[^]*Ready: worker@/;
    await until('the worker is back', () => back.test(started.output), { timeoutMs: 60_000 });
    await works();
  });

  it('leaves nothing running when it is killed itself, and its folder to the next start', async () => {
    const killed = await dev();
    const seen = await liveRoles(deployment);
    expect(seen).to.have.length(4);
    const work = join(deployment.directory, '.interlock/work');
    const [folder] = readdirSync(work);
    await killed.kill('SIGKILL');
    await gone(seen);

    await dev();
    expect(readdirSync(work)).to.have.length(1).and.not.include(folder);
    await works();
  });

  it('ends when the npm that started it as `npm start` is killed', async () => {
    delete deployment.env.INTERLOCK_TASK_MODULES;
    const npm = spawn('npm', ['start'], { env: deployment.env, cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      let output = '';
      for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      await until('it serves', () => output.includes('serving until Ctrl-C'), { timeoutMs: 120_000 });
      const live = await liveRoles(deployment);
      expect(live).to.have.length(4);
      npm.kill('SIGKILL');
      await gone(live);
    } finally {
      npm.kill('SIGKILL');
    }
  });
});
