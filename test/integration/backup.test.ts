import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { BackupReport } from '../../src/backup/backup.js';
import type { RestoreReport } from '../../src/backup/restore.js';
import { RawAmqp } from '../support/amqp.js';
import { Deployment, TEST_TASKS, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

interface Ran<T> {
  code: number | null;
  report: T;
  stderr: string;
}

/** Runs a command that ends with one line of JSON. */
async function ran<T>(deployment: Deployment, ...args: string[]): Promise<Ran<T>> {
  const { code, stdout, stderr } = await deployment.cli(...args, '--json');
  return { code, report: (stdout === '' ? undefined : JSON.parse(stdout)) as T, stderr };
}

async function destroyEverything(deployment: Deployment): Promise<void> {
  await deployment.db.dropDatabase();
  const raw = await RawAmqp.connect(testServers().amqpUrl);
  await raw.cleanUp(deployment.env.INTERLOCK_AMQP_PREFIX!, ['work.default', 'worker.w1']);
  await raw.close();
  for (const name of ['data', 'work']) await rm(join(deployment.directory, name), { recursive: true, force: true });
}

describe('backup and restore of a deployment', function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let roles: Role[];
  let directory: string;
  let evidence: string;
  const tasks: Record<string, TaskView> = {};

  const submit = (label: string, body: Record<string, unknown> = {}): Promise<TaskView> => {
    const { kwargs, ...rest } = body;
    return deployment.submit({
      name: 'test.evidence',
      kwargs: { file: evidence, label, ms: 50, ...(kwargs as object | undefined) },
      ...rest,
    });
  };
  const running = (id: string): Promise<unknown> =>
    until('it runs', async () => (await deployment.task(id)).state === 'running', { timeoutMs: 60_000 });

  before(async () => {
    deployment = await Deployment.create({ taskModules: ['evidence.ts', 'basic.ts'].map(name => join(TEST_TASKS, name)) });
    directory = join(deployment.directory, 'backups', 'first');
    evidence = join(deployment.directory, 'evidence');
    await mkdir(join(deployment.directory, 'data/content/odd'), { recursive: true });
    await writeFile(join(deployment.directory, 'data/content/odd/a name\nwith everything ü'), 'content');
    const { api, manager, beat, workers } = await deployment.startAll();
    roles = [api, manager, beat, ...workers];
  });
  after(() => deployment.destroy());

  it('is taken while everything works', async () => {
    tasks.done = await submit('done', { exclusive: ['a'] });
    await deployment.final(tasks.done.id);
    tasks.long = await submit('long', { exclusive: ['a'], kwargs: { ms: 600_000 } });
    tasks.again = await deployment.submit({
      name: 'test.again',
      kwargs: { file: evidence, label: 'again', ms: 600_000 },
      exclusive: ['b'],
    });
    tasks.gate = await submit('gate', { exclusive: ['c'], kwargs: { ms: 600_000 } });
    for (const each of [tasks.long, tasks.again, tasks.gate]) await running(each.id);
    tasks.waiting = await submit('waiting', { exclusive: ['a'] });
    tasks.behind = await submit('behind', { exclusive: ['c'] });
    tasks.unique = await submit('unique', { exclusive: ['b'], unique: { key: 'only' } });
    const { code, report, stderr } = await ran<BackupReport>(deployment, 'backup', directory);
    expect(code, stderr).to.equal(0);
    expect(report).to.include({ directory, brokerReached: true, leftOut: 0 });
    expect(report.documents).to.be.greaterThan(10);
    expect(stderr).to.contain('tasks: 7 documents');
    expect(roles.every(role => role.running)).to.equal(true);
  });

  it('holds what the manifest says, for its owner alone, and can be checked by other tools', async () => {
    const names = await readdir(directory);
    expect(names.sort()).to.deep.equal(['SHA256SUMS', 'broker', 'database', 'files', 'manifest.json', 'settings']);
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as { broker: { reached: boolean } };
    expect(manifest.broker.reached).to.equal(true);
  });

  it('is verified by a rehearsal, which leaves no database behind', async () => {
    const { code, report, stderr } = await ran<{ rehearsal: object }>(deployment, 'verify', directory);
    expect(code, stderr).to.equal(0);
    expect(report.rehearsal).to.include({ tasks: 7, canceled: 6, findings: 0 });
    const { databases } = await deployment.db.admin().listDatabases({ nameOnly: true });
    expect(databases.map(({ name }) => name).filter(name => name.startsWith(`${deployment.database}_verify`))).to.deep.equal([]);
  });

  it('refuses to restore while a role lives', async () => {
    const { code, stderr } = await ran(deployment, 'restore', directory, '--replace');
    expect(code).to.equal(1);
    expect(stderr).to.match(/Roles of this deployment live: .*Stop every one/);
    expect((await deployment.task(tasks.done!.id)).state, 'it goes on').to.equal('completed');
  });

  it('brings everything back after everything was destroyed, and nothing runs a second time', async () => {
    // What ran after the cut has to stay known to nobody but its traces.
    await deployment.request('POST', `/api/v1/tasks/${tasks.gate!.id}/cancel`, {});
    await deployment.final(tasks.behind!.id);
    for (const role of roles) await role.kill('SIGKILL');
    await destroyEverything(deployment);
    const before = readSpans(evidence).map(({ label, attempt }) => `${label} ${attempt}`);
    expect(before.filter(each => each.startsWith('behind'))).to.have.length(1);

    const { code, report, stderr } = await ran<RestoreReport>(deployment, 'restore', directory);
    expect(code, stderr).to.equal(0);
    expect(report).to.include({ canceled: 6, requeued: 0, generation: 2, broker: 'up' });
    expect(existsSync(join(deployment.directory, 'data/content/odd/a name\nwith everything ü'))).to.equal(true);

    const { api, manager, beat, workers } = await deployment.startAll();
    roles = [api, manager, beat, ...workers];
    expect(await deployment.task(tasks.done!.id)).to.include({ state: 'completed' });
    for (const name of ['long', 'again', 'gate', 'waiting', 'behind', 'unique']) {
      expect(await deployment.task(tasks[name]!.id), name).to.include({ state: 'canceled', reason: 'restored' });
    }
    const next = await submit('next', { exclusive: ['a', 'b'], unique: { key: 'only' } });
    await deployment.final(next.id);
    const after = readSpans(evidence).map(({ label, attempt }) => `${label} ${attempt}`);
    expect(after.sort()).to.deep.equal([...before, 'next 1'].sort());
    const audit = await ran<{ ok: boolean; findings: object[] }>(deployment, 'audit');
    expect(audit.report.findings).to.deep.equal([]);
  });

  it('replaces a database that is not empty when told to, and with --requeue runs again what may run again', async () => {
    const waiting = await deployment.submit({
      name: 'test.again',
      kwargs: { file: evidence, label: 'later', ms: 10 },
      countdown: 3_600,
    });
    const never = await submit('never', { countdown: 3_600 });
    const second = join(deployment.directory, 'backups', 'second');
    expect((await deployment.cli('backup', second)).code).to.equal(0);
    for (const role of roles) await role.kill('SIGTERM');

    expect((await deployment.cli('restore', second)).stderr, 'not unasked').to.match(/is not empty .*--replace/);
    const { code, report, stderr } = await ran<RestoreReport>(deployment, 'restore', second, '--replace', '--requeue');
    expect(code, stderr).to.equal(0);
    expect(report).to.include({ canceled: 1, requeued: 1, generation: 3 });
    // Its delay is over at once: nobody waits an hour here.
    await deployment.db.collection<{ _id: string }>('tasks').updateOne({ _id: waiting.id }, { $set: { dueAt: new Date() } });
    const { api, manager, beat, workers } = await deployment.startAll();
    roles = [api, manager, beat, ...workers];
    expect(await deployment.final(waiting.id)).to.include({ state: 'completed', attempt: 1 });
    expect(await deployment.task(never.id)).to.include({ state: 'canceled', reason: 'restored' });
    expect((await ran<{ findings: object[] }>(deployment, 'audit')).report.findings).to.deep.equal([]);
  });

  it('brings settings, keys and included files back to a machine that has none, and keeps what differs beside', async () => {
    const etc = join(deployment.directory, 'etc');
    await mkdir(join(etc, 'proxy'), { recursive: true });
    await mkdir(join(etc, 'config'));
    await writeFile(
      join(etc, 'config/local.json'),
      JSON.stringify({ worker: { concurrency: 3 }, backup: { include: [join(etc, 'proxy')] } }),
    );
    await writeFile(join(etc, 'proxy/site.conf'), 'listen 443');
    await writeFile(join(etc, 'url'), `${deployment.env.INTERLOCK_MONGO_URL}\n`, { mode: 0o600 });
    const env = { ...deployment.env, INTERLOCK_CONFIG_DIR: join(etc, 'config'), INTERLOCK_MONGO_URL_FILE: join(etc, 'url') };
    delete (env as NodeJS.ProcessEnv).INTERLOCK_MONGO_URL;
    const elsewhere = Object.create(deployment, { env: { value: env } }) as Deployment;
    const third = join(deployment.directory, 'backups', 'third');
    const { code, stderr } = await elsewhere.cli('backup', third);
    expect(code, stderr).to.equal(0);

    await rm(etc, { recursive: true });
    expect((await elsewhere.cli('restore', third)).code, 'without settings').to.equal(78);
    expect((await elsewhere.cli('restore', third, '--settings-only')).code).to.equal(0);
    expect((await readdir(etc, { recursive: true })).sort()).to.deep.equal([
      'config',
      'config/local.json',
      'proxy',
      'proxy/site.conf',
      'url',
    ]);
    expect((await stat(join(etc, 'url'))).mode & 0o777).to.equal(0o600);
    await writeFile(join(etc, 'proxy/site.conf'), 'listen 80');
    const refused = await elsewhere.cli('restore', third, '--settings-only');
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(/site\.conf is another one/);
    expect((await elsewhere.cli('restore', third, '--settings-only', '--replace')).code).to.equal(0);
    const names = await readdir(join(etc, 'proxy'));
    expect(names.sort()[1]).to.match(/^site\.conf\.before-restore-\d{8}T\d{6}Z$/);
    expect(await readFile(join(etc, 'proxy/site.conf'), 'utf8')).to.equal('listen 443');
  });

  it('is not taken into a folder that it takes itself, nor without its servers', async () => {
    const inside = await deployment.cli('backup', join(deployment.directory, 'data/backup'));
    expect(inside.code).to.equal(1);
    expect(inside.stderr).to.match(/lies in .*data, which is backed up itself/);
    const away = Object.create(deployment, {
      env: { value: { ...deployment.env, INTERLOCK_MONGO_URL: 'mongodb://127.0.0.1:9/x?replicaSet=rs0' } },
    }) as Deployment;
    expect((await away.cli('backup', join(deployment.directory, 'backups/none'))).code).to.equal(6);
    const mute = Object.create(deployment, {
      env: { value: { ...deployment.env, INTERLOCK_AMQP_URL: 'amqp://127.0.0.1:9' } },
    }) as Deployment;
    const { code, report } = await ran<BackupReport>(mute, 'backup', join(deployment.directory, 'backups/mute'));
    expect(code, 'the broker is not needed').to.equal(0);
    expect(report.brokerReached).to.equal(false);
  });
});
