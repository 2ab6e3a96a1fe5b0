import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect } from 'chai';
import { MongoClient } from 'mongodb';

import { provideServers, type ProvidedServers } from '../../src/servers/servers.js';
import { freePort } from '../support/deployment.js';
import { commandLines, commandsOf } from '../support/page-commands.js';
import { until } from '../support/wait.js';
import { Machine } from './machine.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BACKUPS = 'var/backups/interlock';
const [PACKAGE, RABBIT, SETTINGS, ADMIN, START, BACKUP, SETTINGS_BACK, RESTORE, UPGRADE, UNINSTALL] = commandsOf(
  'docs/install.md',
  import.meta.url,
) as [string, string, string, string, string, string, string, string, string, string];

describe('docs/install.md, as an operator follows it', function () {
  this.timeout(600_000);
  this.bail(true); // each goes on where the one before it ended
  let folder: string;
  let servers: ProvidedServers;
  let machine: Machine;
  let port: number;
  const made: { servers?: ProvidedServers; machine?: Machine } = {};
  const tasks: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interlock-install-'));
    servers = made.servers = await provideServers({ directory: join(ROOT, '.interlock'), need: { mongo: true, amqp: true } });
    await servers.rabbit?.ctl(['delete_user', 'interlock']); // its own one, under the name that the page gives to another
    port = await freePort();
    await run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT, maxBuffer: 16 * 1_048_576 });
    machine = await fresh('first');
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(await machine.journal('-u', 'interlock-*'));
  });

  after(async () => {
    await made.machine?.off();
    await made.servers?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('brings an empty machine to a first task', async () => {
    for (const block of [PACKAGE, RABBIT, SETTINGS, ADMIN]) await follow(block);
    const answers = await start();
    expect(answers.join('\n')).to.include('Hello, world');
    tasks.push(...(await listed()));
    expect(tasks).to.have.length(1);
  });

  it('backs up, and the backup can be restored', async () => {
    const answers = await follow(BACKUP);
    expect(answers).to.match(/"rehearsal"/);
    expect(readdirSync(join(machine.root, BACKUPS)).filter(name => /^interlock-\d{8}T\d{6}Z$/.test(name))).to.have.length(1);
  });

  it('upgrades in place, and goes on working', async () => {
    await follow(UPGRADE);
    await healthy();
    tasks.push(await helloAgain());
  });

  it('survives the loss of the machine and of both servers', async () => {
    await follow(BACKUP.replaceAll('/first', '/second'));
    const kept = join(folder, 'kept');
    cpSync(join(machine.root, BACKUPS), kept, { recursive: true });
    await machine.off();
    machine.remove();
    await destroyServers();

    machine = await fresh('second');
    await inside('useradd --system --no-create-home someone'); // the user of the services gets another number than it had
    cpSync(kept, join(machine.root, BACKUPS), { recursive: true });
    for (const block of [PACKAGE, RABBIT, SETTINGS_BACK.replaceAll('/first', '/second')]) await follow(block);
    const [restore = '', enable = '', audit = ''] = commandLines(RESTORE.replaceAll('/first', '/second'));
    for (const command of [restore, enable]) await inside(command);
    await healthy();
    expect(await inside(audit)).to.match(/"ok":\s*true/);
    expect(await listed()).to.have.members(tasks);
    tasks.push(await helloAgain());
    expect(await inside(audit)).to.match(/"ok":\s*true/);
  });

  it('leaves nothing when it is uninstalled', async () => {
    await follow(UNINSTALL);
    const left = ['etc/systemd/system', 'usr/local/bin', 'usr/local/lib/node_modules', 'etc', 'var/lib', 'run/systemd/system'];
    for (const path of left) expect(named(path), path).to.deep.equal([]);
    expect((await machine.run('id', 'interlock')).code).to.not.equal(0);
    expect((await machine.run('ps', '-eo', 'args')).stdout).to.not.include('interlock');
  });

  async function fresh(name: string): Promise<Machine> {
    const created = await Machine.create(join(ROOT, '.interlock/systemd'), join(folder, name), []);
    made.machine = created;
    await created.boot();
    return created;
  }

  /** Broker and database as after a fire: nothing of Interlock is left on them. */
  async function destroyServers(): Promise<void> {
    const mongo = await MongoClient.connect(servers.mongoUrl ?? '', { serverSelectionTimeoutMS: 10_000 });
    await mongo.db('interlock').dropDatabase();
    await mongo.close();
    await servers.rabbit?.ctl(['delete_vhost', 'interlock']);
    await servers.rabbit?.ctl(['delete_user', 'interlock']);
  }

  /** npm runs outside, where its registry is reached, on the machine's folders; rabbitmqctl where the broker is; the rest in the machine. */
  async function follow(block: string): Promise<string> {
    const lines = commandLines(block);
    if (!lines.some(line => /^(npm|rabbitmqctl) /.test(line))) return inside(block);
    const answers: string[] = [];
    for (const line of lines) {
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
      if (words[0] === 'npm') await npm(words.slice(1));
      else if (words[0] === 'rabbitmqctl') await servers.rabbit?.ctl(words.slice(1));
      else answers.push(await inside(line));
    }
    return answers.join('\n');
  }

  async function npm(words: string[]): Promise<void> {
    const [tarball = ''] = readdirSync(folder).filter(name => name.endsWith('.tgz'));
    const here = words.map(word => {
      if (word === '/usr/local') return join(machine.root, word);
      return word.endsWith('.tgz') ? join(folder, tarball) : word;
    });
    await run('npm', [...here, '--prefer-offline'], { cwd: folder, maxBuffer: 16 * 1_048_576 });
  }

  /** In the machine, as root; addresses of the page are replaced by those of this test. */
  async function inside(script: string): Promise<string> {
    const { host: mongo } = new URL(servers.mongoUrl ?? '');
    const { host: amqp } = new URL(servers.amqpUrl ?? '');
    const set = new URL(servers.mongoUrl ?? '').searchParams.get('replicaSet') ?? '';
    const here = script
      .replaceAll('127.0.0.1:27017', mongo)
      .replaceAll('replicaSet=rs0', `replicaSet=${set}`)
      .replaceAll('127.0.0.1:5672', amqp)
      .replaceAll(/^INTERLOCK_TASK_MODULES=/gm, `INTERLOCK_API_PORT=${port}\nINTERLOCK_TASK_MODULES=`);
    const answer = await machine.run('env', `INTERLOCK_URL=http://127.0.0.1:${port}`, 'sh', '-ec', here);
    expect(answer.code, `${here}\n${answer.stdout}${answer.stderr}`).to.equal(0);
    return answer.stdout;
  }

  /** Roles need some seconds to find one another, which the page says, too. */
  async function start(): Promise<string[]> {
    const [enable = '', ...rest] = commandLines(START);
    await inside(enable);
    await healthy();
    const answers: string[] = [];
    for (const command of rest) answers.push(await inside(command));
    return answers;
  }

  const api = async <T>(path: string): Promise<T> => (await (await fetch(`http://127.0.0.1:${port}/api/v1${path}`)).json()) as T;

  async function healthy(): Promise<void> {
    const answers = (): Promise<boolean> =>
      api<{ healthy: boolean }>('/status').then(
        ({ healthy: is }) => is,
        () => false,
      );
    await until('the deployment is healthy', answers, { timeoutMs: 120_000 });
  }

  async function listed(): Promise<string[]> {
    return (await api<{ items: { id: string }[] }>('/tasks?limit=500')).items.map(({ id }) => id);
  }

  /** The id of one more task that has completed. */
  async function helloAgain(): Promise<string> {
    const known = await listed();
    await inside(`interlock task run tasks.hello --args '["again"]' --wait`);
    return (await listed()).find(id => !known.includes(id)) ?? expect.fail('no task was made');
  }

  function named(path: string): string[] {
    const full = join(machine.root, path);
    return existsSync(full) ? readdirSync(full).filter(name => name.includes('interlock')) : [];
  }
});
