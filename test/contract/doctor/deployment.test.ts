import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Diagnosis } from '../../../src/doctor/doctor.js';
import { statOf } from '../../../src/process/identity.js';
import { ChildrenLedger } from '../../../src/worker/children/children-ledger.js';
import { MARKER } from '../../../src/worker/children/remains.js';
import { RawAmqp } from '../../support/amqp.js';
import { makeCertificates } from '../../support/certificates.js';
import { Deployment, TEST_TASKS } from '../../support/deployment.js';
import { notAbandoned } from '../../support/not-abandoned.js';
import { testServers } from '../../support/servers.js';
import { until } from '../../support/wait.js';

/** A second of patience where the roles have five. */
const HASTY = { INTERLOCK_TIMING_SCALE: '0.05' };

/** What the doctor says, as a user hears it. */
async function ask(deployment: Deployment, env: Record<string, string> = {}, args: string[] = []): Promise<Diagnosis> {
  const doctor = deployment.start('doctor', ['--json', ...args], { INTERLOCK_LOG_LEVEL: 'info', ...env });
  const { code } = await doctor.exited;
  const report = await until('its report', () => JSON.parse(doctor.output.trim().split('\n').at(-1)!) as Diagnosis);
  expect(code, doctor.output).to.equal(report.ok ? 0 : 1);
  return report;
}

const faultsOf = ({ findings }: Diagnosis): string[] => [...new Set(findings.map(({ fault }) => fault))].sort();
const NOBODY = ['no-api', 'no-beat', 'no-resource-manager', 'no-worker'];

describe('A doctor, of a deployment that works', function () {
  this.timeout(120_000);
  let deployment: Deployment;
  before(async () => {
    deployment = await Deployment.create({ taskModules: [join(TEST_TASKS, 'basic.ts')] });
    await deployment.startAll();
  });
  after(() => deployment.destroy());

  it('finds nothing, having looked for everything, also while tasks run and wait', async () => {
    const { id } = await deployment.submit({ name: 'test.wait', kwargs: { ms: 30_000 }, exclusive: ['a'] });
    await deployment.submit({ name: 'test.wait', kwargs: { ms: 1 }, exclusive: ['a'] });
    await deployment.submit({ name: 'basic.add', args: [1, 2], countdown: 3_600 });
    await until('it runs', async () => (await deployment.task(id)).state === 'running');
    const report = await ask(deployment);
    expect(report.findings).to.deep.equal([]);
    expect(report.unchecked).to.deep.equal([]);
    expect(report.checked).to.have.length.greaterThan(30);
    await deployment.request('POST', `/api/v1/tasks/${id}/cancel`, {});
  });

  it('tells of tasks that nobody can take, naming queue, type and first task', async () => {
    const queue = await deployment.submit({ name: 'basic.add', args: [1, 2], queue: 'nowhere' });
    const typed = await deployment.submit({ name: 'basic.add', args: [1, 2], countdown: 3_600 });
    // Whoever accepted it had that code; nobody has it any more.
    await deployment.db
      .collection<{ _id: string }>('tasks')
      .updateOne(
        { _id: typed.id },
        { $set: { name: 'gone.type', waitingFor: 'worker', readyAt: new Date(0) }, $unset: { dueAt: 1 } },
      );
    const report = await until('both are told', async () => {
      const said = await ask(deployment, HASTY);
      return said.findings.length >= 2 ? said : undefined;
    });
    expect(faultsOf(report)).to.deep.equal(['queue-without-worker', 'type-without-worker']);
    const told = Object.fromEntries(report.findings.map(({ fault, evidence }) => [fault, evidence]));
    expect(told['queue-without-worker']).to.include('"nowhere"').and.include(queue.id);
    expect(told['type-without-worker']).to.include('"gone.type"').and.include(typed.id);
    for (const { id } of [queue, typed]) await deployment.request('POST', `/api/v1/tasks/${id}/cancel`, {});
    expect(faultsOf(await ask(deployment, HASTY))).to.deep.equal([]);
  });

  it('tells of a task that waits for long, of a paused schedule, of paused workers, and of a task that nobody begins', async () => {
    const holder = await deployment.submit({ name: 'test.wait', kwargs: { ms: 60_000 }, exclusive: ['long'] });
    const blocked = await deployment.submit({ name: 'test.wait', kwargs: { ms: 1 }, exclusive: ['long'] });
    await until('it holds', async () => (await deployment.task(holder.id)).state === 'running');
    const schedule = { name: 'failing', task: { name: 'basic.fail', args: ['no'] }, interval: 1, failureThreshold: 1 };
    await deployment.request('POST', '/api/v1/schedules', schedule);
    await until('it is paused', async () => {
      const { body } = await deployment.request<{ items: { paused: object | null }[] }>('GET', '/api/v1/schedules');
      return body.items.every(({ paused }) => paused !== null);
    });
    const report = await until('both are told', async () => {
      const said = await ask(deployment, {}, ['--blocked-after', '0.5']);
      return said.findings.length >= 2 ? said : undefined;
    });
    expect(faultsOf(report)).to.deep.equal(['schedule-paused-by-failures', 'task-blocked-long']);
    expect(report.findings.find(({ fault }) => fault === 'task-blocked-long')?.evidence)
      .to.include(blocked.id)
      .and.include(holder.id);
    await deployment.request('POST', '/api/v1/workers/actions', { action: 'pause' }, { prefer: 'wait=20' });
    expect(faultsOf(await ask(deployment))).to.include('workers-paused');
    await deployment.request('POST', '/api/v1/workers/actions', { action: 'resume' }, { prefer: 'wait=20' });
    await deployment.request('POST', `/api/v1/tasks/${holder.id}/cancel`, {});
    await deployment.final(blocked.id);
  });
});

describe('A doctor, of a deployment without roles', function () {
  this.timeout(120_000);
  let deployment: Deployment;
  let raw: RawAmqp;
  let prefix: string;
  before(async () => {
    deployment = await Deployment.create();
    prefix = deployment.env.INTERLOCK_AMQP_PREFIX!;
    raw = await RawAmqp.connect();
  });
  after(async () => {
    await raw.close();
    await deployment.destroy();
  });
  const found = async (env: Record<string, string> = {}): Promise<string[]> =>
    faultsOf(await ask(deployment, env)).filter(fault => !NOBODY.includes(fault));

  it('misses every role, and changes nothing', async () => {
    const before = await deployment.db.collection('processes').countDocuments();
    expect(faultsOf(await ask(deployment))).to.deep.equal(NOBODY);
    expect(await deployment.db.collection('processes').countDocuments()).to.equal(before);
  });

  it('names indexes and documents that are missing or differ, a newer schema, and what a restore left', async () => {
    await deployment.db.collection('tasks').dropIndex('claim_rank');
    expect(await found()).to.deep.equal(['index-missing']);
    await deployment.db.collection('schedules').dropIndex('name');
    await deployment.db.collection('schedules').createIndex({ name: 1 }, { name: 'name' }, {});
    expect(await found()).to.deep.equal(['index-differs', 'index-missing']);
    expect(await deployment.db.collection('tasks').indexExists('claim_rank'), 'nothing was made').to.equal(false);
    await deployment.db.collection('schedules').dropIndex('name');
    expect((await deployment.cli('manage-db')).code).to.equal(0);
    expect(await found()).to.deep.equal([]);
    const meta = deployment.db.collection<{ _id: string }>('meta');
    await meta.updateOne({ _id: 'deployment' }, { $set: { schema: 99 } });
    expect(await found()).to.deep.equal(['database-refused']);
    await meta.updateOne({ _id: 'deployment' }, { $set: { schema: 1 } });
  });

  it('names what is missing at the broker, what differs there, and dead letters, and repairs none of it', async () => {
    const nothing = Buffer.from('{"what": "is this"}');
    await raw.on(channel => Promise.resolve(channel.sendToQueue(`${prefix}interlock.dead`, nothing)));
    await until('it arrives', async () => (await raw.depth(`${prefix}interlock.dead`))?.messages === 1);
    await raw.on(channel => channel.deleteExchange(`${prefix}interlock.events`));
    expect(await found()).to.deep.equal(['dead-letters', 'event-exchange-missing']);
    await raw.deleteQueue(`${prefix}resource-manager`);
    expect(await found()).to.include('topology-missing');
    expect(await raw.depth(`${prefix}resource-manager`)).to.equal(undefined);
    const other = { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 5 } };
    await raw.on(channel => channel.assertQueue(`${prefix}resource-manager`, other));
    expect(await found()).to.include('topology-drift');
    expect(await raw.depth(`${prefix}interlock.dead`)).to.include({ messages: 1 });
    await raw.cleanUp(prefix, []);
    expect((await deployment.cli('manage-db')).code).to.equal(0);
    expect(await found()).to.deep.equal([]);
  });

  it('tells a server that is away, a vhost that is not there, and a password that is wrong, without repeating it', async () => {
    const away = await ask(deployment, {
      INTERLOCK_MONGO_URL: 'mongodb://ann:opensesame@127.0.0.1:1/x',
      INTERLOCK_AMQP_URL: 'amqp://ann:opensesame@127.0.0.1:1',
    });
    expect(faultsOf(away)).to.deep.equal(['mongodb-unreachable', 'rabbitmq-unreachable']);
    expect(away.unchecked).to.include.members(['no-worker', 'topology-drift', 'index-missing']);
    expect(JSON.stringify(away)).to.not.include('opensesame');
    const url = new URL(testServers().amqpUrl);
    url.pathname = '/no-such-vhost';
    expect(await found({ INTERLOCK_AMQP_URL: url.href })).to.deep.equal(['rabbitmq-permissions']);
    const stranger = new URL(testServers().amqpUrl);
    stranger.username = 'nobody';
    stranger.password = 'opensesame';
    const refused = await ask(deployment, { INTERLOCK_AMQP_URL: stranger.href });
    expect(faultsOf(refused)).to.include('rabbitmq-permissions');
    expect(JSON.stringify(refused)).to.not.include('opensesame');
  });

  it('reads the settings and the machine: a bad option, an open bind, folders, certificates', async () => {
    const bad = await ask(deployment, { INTERLOCK_API_PORT: 'x', INTERLOCK_LOG_LEVEL: 'y' });
    expect(bad.findings.map(({ fault }) => fault)).to.deep.equal(['configuration-invalid', 'configuration-invalid']);
    expect(bad.checked).to.deep.equal(['configuration-invalid']);
    expect(await found({ INTERLOCK_API_HOST: '0.0.0.0' })).to.deep.equal(['open-bind']);
    const behind = { INTERLOCK_API_HOST: '0.0.0.0', INTERLOCK_API_BEHIND_TLS_PROXY: 'true' };
    expect(await found(behind)).to.deep.equal(['open-bind']);
    const file = join(deployment.directory, 'a-file');
    writeFileSync(file, '');
    expect(await found({ INTERLOCK_DATA_DIRECTORY: join(file, 'data') })).to.deep.equal(['folder-not-writable']);
    const { server, client } = makeCertificates();
    const path = (name: string): string => join(deployment.directory, name);
    writeFileSync(path('client.pem'), client.cert);
    writeFileSync(path('server.key'), server.key);
    const tls = { INTERLOCK_MONGO_TLS_CERTIFICATE_FILE: path('client.pem'), INTERLOCK_MONGO_TLS_KEY_FILE: path('server.key') };
    expect(await found(tls)).to.deep.equal(['certificate-expiring', 'certificate-unusable', 'configuration-invalid']);
  });

  it('tells children of a worker that is gone', async () => {
    const directory = join(deployment.directory, 'work', 'w9');
    mkdirSync(directory, { recursive: true });
    const marker = 'doctor-test';
    const child = notAbandoned(spawn('sleep', ['60'], { env: { PATH: process.env.PATH, [MARKER]: marker }, detached: true }));
    const startTicks = await until('it runs', () => statOf(child.pid!)?.startTicks);
    const ledger = new ChildrenLedger(directory);
    ledger.create();
    ledger.record({ pid: child.pid!, startTicks, marker });
    const report = await ask(deployment);
    const [orphans] = report.findings.filter(({ fault }) => fault === 'orphaned-children');
    expect(orphans?.evidence).to.include('w9').and.include(String(child.pid));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await found()).to.deep.equal([]);
  });

  it('tells lost processes, stale leases, tasks and schedules that nobody sees to, from their records', async () => {
    const past = (ms: number): Date => new Date(Date.now() - ms);
    const record = {
      ...{ role: 'worker', incarnation: 'i', beat: 3, host: 'h', bootId: 'other', pidNamespace: 'n', pid: 1, startTicks: 1 },
      ...{ queues: ['ghost'], dedicated: false, slots: 4, versions: { interlock: '0.0.9', node: '20.19.0' } },
      ...{ startedAt: past(9_000_000), beatAt: past(600_000), leaseUntil: past(600_000) },
    };
    const processes = deployment.db.collection<{ _id: string }>('processes');
    await processes.insertMany([
      { _id: 'lost', ...record, incarnation: 'a', state: 'missing', settled: true },
      { _id: 'stale', ...record, incarnation: 'b', state: 'live' },
      { _id: 'ghost', ...record, incarnation: 'c', state: 'live', leaseUntil: past(-600_000) },
      { _id: 'rm', ...record, role: 'resource-manager', incarnation: 'd', state: 'live', leaseUntil: past(-600_000) },
      { _id: 'beat', ...record, role: 'beat', incarnation: 'e', state: 'live', leaseUntil: past(-600_000) },
    ] as never[]);
    const task = {
      ...{
        name: 'x.y',
        args: [],
        kwargs: '{}',
        queue: 'ghost',
        priority: 4,
        exclusive: [],
        shared: [],
        attempts: [],
        attempt: 1,
      },
      ...{ maxAttempts: 1, onWorkerLoss: 'cancel', progress: [], createdResources: [], correlationId: 'c', tags: [] },
      ...{ createdAt: past(9e9), readyAt: past(9e9) },
    };
    const run = { worker: 'lost', incarnation: 'a', token: 't', at: past(600_000) };
    await deployment.db.collection<{ _id: string }>('tasks').insertMany([
      { _id: 'run', seq: 1, ...task, state: 'running', run, startedAt: past(600_000) },
      { _id: 'old', seq: 2, ...task, state: 'completed', startedAt: past(9e9), finishedAt: past(8e9) },
      { _id: 'ready', seq: 3, ...task, attempt: 0, state: 'waiting', waitingFor: 'worker', rank: 4 },
    ] as never[]);
    const schedule = {
      ...{ task: '{"name":"x.y"}', rule: { kind: 'interval', everyMs: 60_000, anchor: past(9e6) }, misfire: 'one' },
      ...{ overlap: 'allow', createdAt: past(9e6), skipped: 0, countedFrom: past(9e6), revision: 1, version: 1 },
    };
    await deployment.db.collection<{ _id: string }>('schedules').insertMany([
      { _id: 's1', ...schedule, name: 'late', nextAt: past(900_000) },
      { _id: 's2', ...schedule, name: 'refused', nextAt: past(-9_000), pending: { slots: [past(9_000)], tries: 9 } },
    ] as never[]);
    const report = await ask(deployment);
    expect(faultsOf(report)).to.deep.equal(
      [
        ...['missing-worker', 'stale-lease', 'no-api', 'no-leading-resource-manager', 'no-leading-beat', 'version-mismatch'],
        ...[
          'queue-without-consumer',
          'running-nowhere',
          'tasks-not-purged',
          'task-stalled',
          'schedule-overdue',
          'schedule-refused',
        ],
      ].sort(),
    );
    const told = Object.fromEntries(report.findings.map(({ fault, evidence }) => [fault, evidence]));
    expect(told['stale-lease']).to.include('stale').and.include('10 min');
    expect(told['queue-without-consumer']).to.include(`${prefix}work.ghost`);
    expect(told['running-nowhere']).to.include('run').and.include('lost');
  });
});
