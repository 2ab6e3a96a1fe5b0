import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, TEST_TASKS, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { commandLines, commandsOf } from '../support/page-commands.js';
import { until } from '../support/wait.js';

interface Worker {
  state: string;
  paused: boolean;
  draining: boolean;
  slots: number;
  unfamiliar: string[];
  types: { name: string; version: number | null }[];
  stats: { children: number } | null;
}

describe('docs/workers.md', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  before(async () => {
    deployment = await Deployment.create();
    for (const role of ['api', 'resource-manager', 'beat']) deployment.start(role);
  });
  after(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, ms: number, more: object = {}): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label, ms }, ...more });
  const running = (label: string): Promise<unknown> =>
    until(`${label} runs`, () => readSpans(file()).some(span => span.label === label));
  const worker = async (name: string): Promise<Worker> =>
    (await deployment.request<Worker>('GET', `/api/v1/workers/${name}`)).body;
  const live = (name: string): Promise<unknown> =>
    until(`${name} is live and knows its types`, async () => {
      const { state, types } = await worker(name);
      return state === 'live' && types.length > 0;
    });
  const explained = async (id: string): Promise<string> =>
    (await deployment.request<{ text: string }>('GET', `/api/v1/tasks/${id}/explain`)).body.text;
  const start = async (name: string, env: Record<string, string> = {}): Promise<Role> => {
    const role = deployment.start('worker', ['-n', name, '-c', '2'], env);
    await live(name);
    return role;
  };
  const workers = async (...args: string[]): Promise<{ asked: number; answered: number; silent: string[] }> => {
    const { code, stdout, stderr } = await deployment.cli('workers', ...args);
    expect(code, `${args.join(' ')}: ${stderr}`).to.equal(0);
    return JSON.parse(stdout) as { asked: number; answered: number; silent: string[] };
  };

  it('shows commands that run as they stand there', async () => {
    const role = await start('w1');
    for (const command of commandsOf('docs/workers.md', import.meta.url).flatMap(commandLines)) {
      const args = command.split(' ').slice(2);
      const answers = await workers(...args);
      if (!['list', 'show'].includes(args[0] ?? ''))
        expect(answers, args.join(' ')).to.deep.equal({ asked: 1, answered: 1, silent: [] });
      if (args.join(' ') === 'pool set 4 w1') {
        expect(await worker('w1')).to.include({ slots: 4, paused: false });
        await until('four children', async () => (await worker('w1')).stats?.children === 4);
      }
    }
    expect((await role.exited).code).to.equal(0);
    expect((await deployment.cli('workers', 'pause', 'w1')).code, 'it is not live').to.equal(1);
    expect((await deployment.cli('workers', 'pause', 'nobody')).stderr).to.include('MISSING_RESOURCE');
    expect((await deployment.cli('workers', 'pause')).code).to.equal(2);
  });

  it('pauses a worker: what runs goes on, nothing else starts, not even after a crash, until it is resumed', async () => {
    const first = await start('w2');
    const before = await submit('before', 3_000);
    await running('before');
    await workers('pause', 'w2');
    const after = await submit('after', 10);
    expect(await deployment.final(before.id)).to.include({ state: 'completed' });
    await first.kill('SIGKILL');
    await start('w2');
    expect(await worker('w2')).to.include({ paused: true });
    expect(await deployment.task(after.id)).to.include({ state: 'waiting', attempt: 0 });
    expect(await explained(after.id)).to.include('w2 is paused');
    await workers('resume', 'w2');
    expect(await deployment.final(after.id)).to.include({ state: 'completed', worker: 'w2', attempt: 1 });
    await workers('shutdown', 'w2');
  });

  it('leaves a task to others whose type a worker does not know, and says so', async () => {
    await start('stranger', { INTERLOCK_TASK_MODULES: join(TEST_TASKS, 'basic.ts') });
    const plain = await submit('strange', 10);
    const reserving = await submit('strange-too', 10, { exclusive: ['strange'] });
    await until('the stranger to have met it', async () => (await worker('stranger')).unfamiliar.includes('test.evidence'));
    for (const { id } of [plain, reserving]) {
      await until('it waits for a worker', async () => (await deployment.task(id)).waitingFor === 'worker');
      expect(await explained(id)).to.include('no live worker of the queue "default" knows type "test.evidence"');
    }
    const role = await start('w3');
    for (const { id } of [plain, reserving])
      expect(await deployment.final(id)).to.include({ state: 'completed', worker: 'w3', attempt: 1 });
    for (const { id } of [plain, reserving]) expect((await deployment.task(id)).attempts).to.have.length(1);
    await workers('shutdown', 'stranger', 'w3', '--stage', 'soft');
    expect((await role.exited).code).to.equal(0);
  });

  it('goes on to the next stage with each further signal, and with SIGQUIT at once, exit status 0', async () => {
    for (const [name, signals] of [
      ['w4', ['SIGTERM', 'SIGTERM']],
      ['w5', ['SIGQUIT']],
      ['w6', ['SIGTERM', 'SIGINT', 'SIGTERM']],
    ] as const) {
      const graces = name === 'w6' ? { INTERLOCK_WORKER_GRACE_MS: '600000' } : {};
      const role = await start(name, { INTERLOCK_WORKER_SHUTDOWN_GRACE_MS: '600000', ...graces });
      const stubborn = name === 'w6' ? { kwargs: { file: file(), label: name, ms: 600_000, stubborn: true } } : {};
      const task = await submit(name, 600_000, stubborn);
      await running(name);
      for (const [n, signal] of signals.entries()) {
        role.child.kill(signal);
        const said = [/stopping|asked to end now/, /asked to end now/, /killed now/][n]!;
        await until(`${signal} to be heard`, () => said.test(role.output));
        await until('the same wish to be over', () => Promise.resolve(waited(role, n)));
      }
      expect((await role.exited).code, name).to.equal(0);
      expect(await deployment.task(task.id), name).to.include({ state: 'canceled', reason: 'worker-shutdown' });
    }
  });

  it('keeps its heartbeat until the last task has ended, longer than a silent worker would be missing', async () => {
    const role = await start('w7', { INTERLOCK_WORKER_SHUTDOWN_GRACE_MS: '60000' });
    const task = await submit('long', 9_000); // a silent worker is missing after 6 s here
    await running('long');
    await role.kill('SIGTERM');
    expect((await role.exited).code).to.equal(0);
    expect(await deployment.task(task.id)).to.include({ state: 'completed', worker: 'w7' });
  });
});

const heardAt = new WeakMap<Role, { n: number; at: number }>();

/** Two signals within 0.3 s are one. */
function waited(role: Role, n: number): boolean {
  const heard = heardAt.get(role);
  if (heard?.n !== n) heardAt.set(role, { n, at: performance.now() });
  return heard?.n === n && performance.now() - heard.at > 400;
}
