import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';

import { expect } from 'chai';
import { MongoClient } from 'mongodb';

import { BrokerTap } from '../support/broker-tap.js';
import { Canaries } from '../support/canaries.js';
import { Deployment, freePort, TEST_TASKS, type Role } from '../support/deployment.js';
import { EventStream } from '../support/event-stream.js';
import { HeardClient } from '../support/heard-client.js';
import { TestOrigin } from '../support/origin.js';
import { ProcessList } from '../support/process-list.js';
import { recordsBeside } from '../support/records-beside.js';
import { testServers } from '../support/servers.js';
import { TlsFolder } from '../support/tls-files.js';
import { TlsFront } from '../support/tls-front.js';
import { until } from '../support/wait.js';

/** Where clients get these back, who have sent them; nowhere else, and in no other answer. */
const OF_CLIENTS = {
  // A task is shown with its arguments where it is submitted, read and cancelled, and whole in the list of tasks.
  argument: /answer 20[02] (POST|GET) \/api\/v1\/tasks(\/[0-9a-f-]{36}(\/cancel)?)?$/,
  // Who uses a key for another body is told which.
  idempotencyKey: /answer 422 POST \/api\/v1\/tasks$/,
};
/** What docs/security.md lets task code see, and what marks a child as ours. */
const OF_CHILDREN = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'INTERLOCK_CHILD'];
/** A line of the base64 of a key. */
const lineOf = (key: string): string => key.split('\n')[2] ?? '';

/** A deployment whose servers want passwords, over TLS, with tokens at the API; everything that it says anywhere is kept and searched. */
describe('Secrets of a deployment', function () {
  this.timeout(400_000);
  const user = `canary${process.pid}`;
  const amqpPassword = decodeURIComponent(new URL(testServers().amqpUrl).password);
  const canaries = new Canaries();
  const mongoPassword = canaries.plant('mongoPassword');
  const idempotencyKey = canaries.plant('idempotencyKey');
  const argument = canaries.plant('argument');
  const proxyPassword = canaries.plant('proxyPassword');
  const originPassword = canaries.plant('originPassword');
  const roles: Role[] = [];
  let folder: TlsFolder;
  let fronts: { amqp: TlsFront; mongo: TlsFront };
  let origin: TestOrigin;
  let deployment: Deployment;
  let admin: MongoClient;
  let tap: BrokerTap;
  let processes: ProcessList;
  let events: EventStream;
  let token: string;
  let client: HeardClient;

  before(async () => {
    const { mongoUrl, amqpUrl } = testServers();
    admin = await MongoClient.connect(mongoUrl);
    await admin.db('admin').command({ createUser: user, pwd: mongoPassword, roles: ['root'] });
    folder = new TlsFolder();
    origin = await TestOrigin.start();
    fronts = {
      amqp: await TlsFront.before(amqpUrl, folder.issue('rabbit', { hosts: true })),
      mongo: await TlsFront.before(mongoUrl, folder.issue('mongo', { hosts: true }), true),
    };
    const clients = ['amqp', 'mongo', 'api'].map(name => [name, folder.issue(name, { hosts: true })] as const);
    for (const [name, { key }] of clients) canaries.plant(`${name}TlsKey`, lineOf(key));
    // That of servers of one's own may be a word that stands everywhere.
    if (amqpPassword.length > 12) canaries.plant('amqpPassword', amqpPassword);
    const withUser = new URL(mongoUrl);
    withUser.username = user;
    withUser.password = mongoPassword;
    withUser.searchParams.set('authSource', 'admin');
    deployment = await Deployment.create({
      servers: { mongoUrl: withUser.href, amqpUrl },
      logToFiles: true,
      taskModules: ['basic.ts', 'rough.ts'].map(name => join(TEST_TASKS, name)),
      env: {
        INTERLOCK_AMQP_URL: amqpUrl.replace('amqp:', 'amqps:').replace(new URL(amqpUrl).host, `127.0.0.1:${fronts.amqp.port}`),
        ...folder.settings('AMQP', 'amqp'),
        INTERLOCK_AMQP_TLS_CRL_FILE: folder.file('ca.crl'),
      },
    });
    processes = new ProcessList(`HOME=${deployment.directory}`);
    tap = await BrokerTap.open(amqpUrl, deployment.env.INTERLOCK_AMQP_PREFIX!, ['work.default', 'resource-manager', 'worker.w1']);
    const plain = deployment.env.INTERLOCK_MONGO_URL!;
    Object.assign(deployment.env, folder.settings('MONGO', 'mongo'), {
      INTERLOCK_MONGO_URL: plain.replace(new URL(mongoUrl).host, `127.0.0.1:${fronts.mongo.port}`),
    });
    token = canaries.plant('token', await newToken('root', 'admin'));
    deployment.env.INTERLOCK_TOKEN = token;
    client = new HeardClient(deployment, canaries, token);
    const { api, manager, beat, workers } = await deployment.startAll();
    roles.push(api, manager, beat, ...workers);
    events = await EventStream.open(`${deployment.url}/api/v1/events`, { authorization: `Bearer ${token}` });
  });
  after(async () => {
    events.leave();
    processes.stop();
    await tap.close();
    await deployment.destroy();
    for (const front of Object.values(fronts)) await front.close();
    await origin.stop();
    await admin.db('admin').command({ dropUser: user });
    await admin.close();
    folder.remove();
  });

  /** What is printed here is printed once and on purpose. */
  async function newToken(name: string, role: string): Promise<string> {
    const made = await deployment.cli('token', 'create', name, '--role', role, '--direct');
    expect(made.code, made.stderr).to.equal(0);
    return (JSON.parse(made.stdout) as { token: string }).token;
  }
  /** Commands and roles that are given other settings than the deployment. */
  async function failing(role: string, env: Record<string, string>, expected: RegExp): Promise<void> {
    const started = deployment.start(role, [], env);
    await until(`${role} says why it cannot`, () => expected.test(started.output) || !started.running, { timeoutMs: 60_000 });
    expect(started.output).to.match(expected);
    await started.kill('SIGKILL');
    canaries.hear('output of a role that cannot start', started.output);
  }

  it('are used: tasks succeed, fail, die and are cancelled', async () => {
    const key = { 'idempotency-key': idempotencyKey };
    const body = { kwargs: { secret: argument }, exclusive: ['one'] };
    const first = await client.run('test.progress', body, key);
    expect(await client.run('test.progress', body, key), 'the same key').to.equal(first);
    await client.run('test.progress', { kwargs: { secret: 'other' } }, key);
    expect(await client.ended(first)).to.equal('completed');
    expect(await client.ended(await client.run('basic.fail', { args: ['went wrong', 'WRONG'] }))).to.equal('failed');
    expect(await client.ended(await client.run('rough.exit', { args: [3], kwargs: { secret: argument } }))).to.equal('failed');
    const waiting = await client.run('test.wait', { kwargs: { ms: 120_000, secret: argument } });
    await until('it runs', async () => (await client.stateOf(waiting)) === 'running');
    await client.ask('GET', `/api/v1/tasks/${waiting}/explain`);
    await client.ask('POST', `/api/v1/tasks/${waiting}/cancel`);
    expect(await client.ended(waiting)).to.equal('canceled');
    for (const path of ['status', 'tasks', 'workers', 'tokens', 'audit', 'task-types', 'resources', 'queues', 'schedules'])
      await client.ask('GET', `/api/v1/${path}`);
  });

  it('are used by mirrors: of a proxy, in the address of an origin, and in that of a redirect', async () => {
    const at = '/api/v1/repositories';
    const secretly = (path: string): string => `http://me:${originPassword}@127.0.0.1:${origin.port}/${path}`;
    await client.ask('POST', at, { name: 'in-url', url: secretly('tree/') });
    const proxy = { proxy_url: 'http://127.0.0.1', proxy_port: await freePort(), proxy_username: 'me' };
    await client.ask('POST', at, {
      name: 'proxied',
      url: origin.tree('tree', { 'a.txt': 'a' }),
      ...proxy,
      proxy_password: proxyPassword,
    });
    await client.ask('PATCH', `${at}/proxied`, { url: secretly('tree/') });
    await client.ask('POST', at, { name: 'led', url: origin.tree('led', { 'a.txt': 'a' }) });
    origin.but('led/PULP_MANIFEST', { redirect: secretly('elsewhere') });
    for (const name of ['proxied', 'led']) {
      const { id } = await client.ask('POST', `${at}/${name}/sync`, {});
      expect(await client.ended(id)).to.equal('failed');
    }
    for (const path of ['', '/proxied', '/led', '/in-url']) await client.ask('GET', `${at}${path}`);
    expect(origin.asksFor('PULP_MANIFEST')).to.equal(1);
  });

  it('are refused where they are wrong, and not repeated', async () => {
    await client.ask('GET', `/api/v1/tasks?token=${token}`, undefined, { authorization: '' });
    await client.ask('GET', '/api/v1/tasks', undefined, { authorization: `Bearer ${token.slice(0, -1)}` });
    await client.ask('GET', '/api/v1/tasks', undefined, { authorization: `Basic ${token}` });
    await client.ask('POST', '/api/v1/tasks', { name: 'no.such', kwargs: { secret: argument } });
    await client.ask('POST', '/api/v1/tasks', { name: 'test.wait', kwargs: { ms: argument } });
    await client.ask('POST', '/api/v1/tasks', { name: 'basic.add', nonsense: 1 }, { 'idempotency-key': idempotencyKey });
    const { INTERLOCK_MONGO_URL: mongo = '', INTERLOCK_AMQP_URL: amqp = '' } = deployment.env;
    const nowhere = mongo.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${await freePort()}`);
    await failing('beat', { INTERLOCK_MONGO_URL: nowhere.replace(/\/interlock_[^?]*/, '') }, /does not answer/);
    await failing('beat', { INTERLOCK_MONGO_URL: mongo.replace(user, `${user}x`) }, /uthenticat/);
    await failing('beat', { INTERLOCK_MONGO_URL: `${mongo}&w=1` }, /majority/);
    await failing('beat', { INTERLOCK_AMQP_URL: amqp.replace(/\/\/[^:]*:/, '//nobody:') }, /ACCESS.REFUSED|403/i);
    await failing('beat', { INTERLOCK_AMQP_URL: `${amqp}?heartbeat=0` }, /heartbeat=0/);
    for (const part of ['AMQP', 'MONGO', 'API'] as const) {
      const files = {
        ...folder.settings(part, part.toLowerCase()),
        [`INTERLOCK_${part}_TLS_KEY_FILE`]: folder.file('rabbit.key'),
      };
      await failing('api', { ...files, INTERLOCK_API_PORT: '0' }, /is not the key/);
    }
  });

  it('are in no line that a command prints', async () => {
    const file = join(deployment.directory, 'token');
    writeFileSync(file, canaries.plant('profileToken', await newToken('profile', 'read')), { mode: 0o600 });
    const missing = '00000000-0000-7000-8000-000000000000';
    for (const args of [
      ['config', 'show', '--sources', '--json'],
      ['config', 'check'],
      ['doctor', '--json'],
      ['status', '--json'],
      ['token', 'list', '--json'],
      ['audit', 'trail', '--json'],
      ['backup', join(deployment.directory, 'kept'), '--json'],
      ['profile', 'add', 'noted', '--url', deployment.url, '--token-from', file],
      ['profile', 'list', '--json'],
      ['status', '--profile', 'noted', '--json'],
      ['token', 'list', '--profile', 'noted', '--json'], // for admins alone
      ['task', 'show', missing, '--profile', 'noted', '--json'],
      ['profile', 'add', 'wrong', '--url', deployment.url, '--token-from', folder.file('api.key')],
    ]) {
      const { stdout, stderr } = await deployment.cli(...args);
      expect(stdout + stderr, args.join(' ')).to.not.equal('');
      canaries.hear(`command ${args.slice(0, 2).join(' ')}`, stdout + stderr);
    }
    canaries.hear('manifest', readFileSync(join(deployment.directory, 'kept', 'manifest.json'), 'utf8'));
  });

  it('are used by an API over TLS, and not shown by it', async () => {
    const api = deployment.start('api', [], { ...folder.settings('API', 'api'), INTERLOCK_API_PORT: '0' });
    const url = await until('it listens', () => /https:\/\/127\.0\.0\.1:\d+/.exec(api.output)?.[0], { timeoutMs: 60_000 });
    for (const path of ['/api/v1/status', '/api/v1/audit', '/no/such']) {
      const asked = get(`${url}${path}`, {
        ca: folder.authority.ca,
        headers: { authorization: `Bearer ${token}` },
        agent: false,
      });
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      canaries.hear(`secured answer ${answer.statusCode} GET ${path}`, await textOf(answer));
    }
    expect(canaries.heard(/secured answer 200/)).to.have.length(2);
    await api.kill('SIGTERM');
  });

  it('stay those of before when a certificate is revoked, and connections come back with SIGHUP and without a restart', async () => {
    const api = roles[0]!;
    const connected = async (): Promise<boolean> =>
      (await client.ask<{ brokerConnection: { connected: boolean } }>('GET', '/api/v1/status')).brokerConnection.connected;
    expect(await connected()).to.equal(true);
    const bad = folder.issue('rabbit', { hosts: true });
    fronts.amqp.show(bad);
    folder.authority.revoke(bad);
    folder.publishCrl();
    for (const { child } of roles) child.kill('SIGHUP');
    await until('all have read the list', () => roles.every(({ output }) => output.includes('amqp.tls: new certificates')));
    fronts.amqp.cut();
    await until('the log tells why there is no connection', () => api.output.includes('certificate revoked'), {
      timeoutMs: 60_000,
    });
    expect(await connected()).to.equal(false);
    fronts.amqp.show(folder.issue('rabbit', { hosts: true }));
    await until('it is connected again', connected, { timeoutMs: 60_000 });
    expect(await client.ended(await client.run('basic.add', { args: [1, 2] }))).to.equal('completed');
    expect(roles.every(({ running }) => running)).to.equal(true);
  });

  it('are in no log, answer, error, event, metric, message or record, and in no command line of anybody', async () => {
    for (const file of readdirSync(deployment.directory).filter(name => name.endsWith('.log')))
      canaries.hear(`log ${file}`, readFileSync(join(deployment.directory, file), 'utf8'));
    canaries.hear('events', events.text);
    canaries.hear('metrics', await (await fetch(`${deployment.url}/metrics`)).text());
    tap.send('work.default', 'no hint');
    canaries.hear('dead letter', await until('it is put aside', () => tap.deadLetter()));
    for (const text of tap.said) canaries.hear(`message ${text.split(' ', 2).join(' ')}`, text);
    for (const [where, text] of await recordsBeside(deployment.db, {
      tasks: ['args', 'kwargs', 'idempotency'],
      file_repositories: ['proxy_password'], // what it is shown to the proxy with
    }))
      canaries.hear(`record of ${where}`, text);
    for (const { pid, commandLine } of processes.seen) canaries.hear(`command line of ${pid}`, commandLine);

    // What was listened to has spoken.
    expect(canaries.heard(/log .*worker/).join()).to.include('"level"');
    expect(events.text).to.include('test.progress').and.include('canceled');
    expect(canaries.heard(/metrics/).join()).to.include('interlock_');
    for (const exchange of ['tasks', 'events', 'control'])
      expect(canaries.heard(new RegExp(`message .*\\.${exchange} `))).to.not.be.empty;
    for (const of of ['tasks', 'processes', 'audit', 'tokens', 'file_repositories'])
      expect(canaries.heard(new RegExp(`record of ${of}`)), of).to.not.be.empty;
    expect(canaries.heard(/command line/).join())
      .to.include('profile add')
      .and.include('child/child.js');
    expect(canaries.seen(OF_CLIENTS)).to.deep.equal([]);
  });

  it('are in no environment of a child, which has no more than the list allows', () => {
    const worker = roles.at(-1)!.pid;
    const children = processes.seen.filter(
      ({ parent, commandLine }) => parent === worker && commandLine.includes('/child/child.'),
    );
    expect(children).to.not.be.empty;
    for (const { environment } of children) expect(OF_CHILDREN).to.include.members([...environment.keys()]);
  });
});
