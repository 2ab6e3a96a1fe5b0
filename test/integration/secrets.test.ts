import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';
import { MongoClient } from 'mongodb';

import { Deployment, freePort, TEST_TASKS, type Role } from '../support/deployment.js';
import { testServers } from '../support/servers.js';
import { TlsFolder } from '../support/tls-files.js';
import { TlsFront } from '../support/tls-front.js';
import { until } from '../support/wait.js';

const canary = (kind: string): string => `canary-${kind}-${randomBytes(12).toString('hex')}`;

/** A deployment whose servers want passwords, with RabbitMQ over TLS and tokens at the API; everything that it says anywhere is kept and searched. */
describe('Secrets of a deployment', function () {
  this.timeout(300_000);
  const user = `canary${process.pid}`;
  const amqpPassword = decodeURIComponent(new URL(testServers().amqpUrl).password);
  const secrets: Record<string, string> = {
    mongoPassword: canary('mongo'),
    // That of servers of one's own may be a word that stands everywhere.
    ...(amqpPassword.length > 12 && { amqpPassword }),
    idempotencyKey: canary('key'),
    argument: canary('argument'),
  };
  /** Where clients get these back, who have sent them: an argument with its task, a key where it was used before. */
  const ofClients: Record<string, RegExp> = { argument: /^answer/, idempotencyKey: /^answer \d+ POST \/api\/v1\/tasks$/ };
  /** What was said, by where. */
  const said = new Map<string, string>();
  const roles: Role[] = [];
  let folder: TlsFolder;
  let front: TlsFront;
  let deployment: Deployment;
  let admin: MongoClient;
  let token: string;

  before(async () => {
    const { mongoUrl, amqpUrl } = testServers();
    admin = await MongoClient.connect(mongoUrl);
    await admin.db('admin').command({ createUser: user, pwd: secrets.mongoPassword, roles: ['root'] });
    folder = new TlsFolder();
    front = await TlsFront.before(amqpUrl, folder.issue('rabbit', { hosts: true }));
    secrets.tlsKey = folder.issue('client').key.split('\n')[2] ?? '';
    const withUser = new URL(mongoUrl);
    withUser.username = user;
    withUser.password = secrets.mongoPassword!;
    withUser.searchParams.set('authSource', 'admin');
    deployment = await Deployment.create({
      servers: { mongoUrl: withUser.href, amqpUrl },
      logToFiles: true,
      taskModules: ['basic.ts', 'rough.ts'].map(name => join(TEST_TASKS, name)),
      env: {
        INTERLOCK_AMQP_URL: amqpUrl.replace('amqp:', 'amqps:').replace(new URL(amqpUrl).host, `127.0.0.1:${front.port}`),
        INTERLOCK_AMQP_TLS_CA_FILE: folder.file('ca.pem'),
        INTERLOCK_AMQP_TLS_CERTIFICATE_FILE: folder.file('client.pem'),
        INTERLOCK_AMQP_TLS_KEY_FILE: folder.file('client.key'),
        INTERLOCK_AMQP_TLS_CRL_FILE: folder.file('ca.crl'),
      },
    });
    const first = await deployment.cli('token', 'create', 'root', '--role', 'admin', '--direct');
    expect(first.code, first.stderr).to.equal(0);
    token = (JSON.parse(first.stdout) as { token: string }).token;
    secrets.token = token;
    deployment.env.INTERLOCK_TOKEN = token;
    const { api, manager, beat, workers } = await deployment.startAll();
    roles.push(api, manager, beat, ...workers);
  });
  after(async () => {
    await deployment.destroy();
    await front.close();
    await admin.db('admin').command({ dropUser: user });
    await admin.close();
    folder.remove();
  });

  async function ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ id: string }> {
    const answer = await deployment.request<{ id: string }>(method, path, body, { authorization: `Bearer ${token}`, ...headers });
    said.set(
      `answer ${said.size} ${method} ${path.split('?')[0] ?? ''}`,
      JSON.stringify(answer.body) + JSON.stringify([...answer.headers]),
    );
    return answer.body;
  }
  async function run(name: string, body: object, headers: Record<string, string> = {}): Promise<string> {
    return (await ask('POST', '/api/v1/tasks', { name, ...body }, headers)).id;
  }
  async function ended(id: string): Promise<string> {
    return until(`${id} has ended`, async () => {
      const { state } = (await ask('GET', `/api/v1/tasks/${id}`)) as unknown as { state: string };
      return ['completed', 'failed', 'canceled'].includes(state) ? state : undefined;
    });
  }
  /** Commands and roles that are given other settings than the deployment. */
  async function failing(role: string, env: Record<string, string>, expected: RegExp): Promise<void> {
    const started = deployment.start(role, [], env);
    await until(`${role} says why it cannot`, () => expected.test(started.output) || !started.running, { timeoutMs: 60_000 });
    expect(started.output).to.match(expected);
    await started.kill('SIGKILL');
    said.set(`role ${said.size}`, started.output);
  }

  it('are used: tasks succeed, fail, die and are cancelled', async () => {
    const key = { 'idempotency-key': secrets.idempotencyKey! };
    const body = { kwargs: { secret: secrets.argument } };
    const described = await run('basic.describeMe', body, key);
    expect(await run('basic.describeMe', body, key), 'the same key').to.equal(described);
    await run('basic.describeMe', { kwargs: { secret: 'other' } }, key);
    expect(await ended(described)).to.equal('completed');
    expect(await ended(await run('basic.fail', { args: ['went wrong', 'WRONG'] }))).to.equal('failed');
    expect(await ended(await run('rough.exit', { args: [3] }))).to.equal('failed');
    const waiting = await run('test.wait', { kwargs: { ms: 120_000 } });
    await until(
      'it runs',
      async () => ((await ask('GET', `/api/v1/tasks/${waiting}`)) as unknown as { state: string }).state === 'running',
    );
    // No child of it holds what its supervisor was given.
    const worker = roles.at(-1)!.pid;
    const children = readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && statusOf(pid).includes(`\nPPid:\t${worker}\n`));
    expect(children).to.not.be.empty;
    for (const pid of children) said.set(`environment of child ${pid}`, readFileSync(`/proc/${pid}/environ`, 'utf8'));
    await ask('POST', `/api/v1/tasks/${waiting}/cancel`);
    expect(await ended(waiting)).to.equal('canceled');
    for (const path of ['status', 'tasks', 'workers', 'tokens', 'audit', 'task-types', 'resources', 'queues'])
      await ask('GET', `/api/v1/${path}`);
  });

  it('are refused where they are wrong, and not repeated', async () => {
    await ask('GET', `/api/v1/tasks?token=${token}`, undefined, { authorization: '' });
    await ask('GET', '/api/v1/tasks', undefined, { authorization: `Bearer ${token.slice(0, -1)}` });
    await ask('GET', '/api/v1/tasks', undefined, { authorization: `Basic ${token}` });
    await ask('POST', '/api/v1/tasks', { name: 'no.such', kwargs: { secret: secrets.argument } });
    await ask('POST', '/api/v1/tasks', { name: 'basic.add', nonsense: 1 }, { 'idempotency-key': secrets.idempotencyKey! });
    const mongo = deployment.env.INTERLOCK_MONGO_URL!;
    await failing(
      'beat',
      {
        INTERLOCK_MONGO_URL: mongo.replace(/\/interlock_[^?]*/, '').replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${await freePort()}`),
      },
      /does not answer/,
    );
    await failing('beat', { INTERLOCK_MONGO_URL: mongo.replace(user, `${user}x`) }, /uthenticat/);
    await failing('beat', { INTERLOCK_MONGO_URL: `${mongo}&w=1` }, /majority/);
    await failing(
      'beat',
      { INTERLOCK_AMQP_URL: deployment.env.INTERLOCK_AMQP_URL!.replace(/\/\/[^:]*:/, '//nobody:') },
      /ACCESS.REFUSED|403/i,
    );
    await failing('beat', { INTERLOCK_AMQP_URL: `${deployment.env.INTERLOCK_AMQP_URL!}?heartbeat=0` }, /heartbeat=0/);
    await failing('beat', { INTERLOCK_AMQP_TLS_KEY_FILE: folder.file('rabbit.key') }, /is not the key/);
  });

  it('are in no line that a command prints', async () => {
    for (const args of [
      ['config', 'show', '--sources', '--json'],
      ['config', 'check'],
      ['doctor', '--json'],
      ['status', '--json'],
      ['token', 'list', '--json'],
      ['audit', 'trail', '--json'],
      ['backup', join(deployment.directory, 'kept'), '--json'],
    ]) {
      const { stdout, stderr } = await deployment.cli(...args);
      expect(stdout, `${args.join(' ')}: ${stderr}`).to.not.equal('');
      said.set(`command ${args.slice(0, 2).join(' ')}`, stdout + stderr);
    }
    said.set('manifest', readFileSync(join(deployment.directory, 'kept', 'manifest.json'), 'utf8'));
  });

  it('stay those of before when a certificate is revoked, and connections come back with SIGHUP and without a restart', async () => {
    const api = roles[0]!;
    const connected = async (): Promise<boolean> =>
      ((await ask('GET', '/api/v1/status')) as unknown as { brokerConnection: { connected: boolean } }).brokerConnection
        .connected;
    expect(await connected()).to.equal(true);
    const bad = folder.issue('rabbit', { hosts: true });
    front.show(bad);
    folder.authority.revoke(bad);
    folder.publishCrl();
    for (const { child } of roles) child.kill('SIGHUP');
    await until('all have read the list', () => roles.every(({ output }) => output.includes('amqp.tls: new certificates')));
    front.cut();
    await until('the log tells why there is no connection', () => api.output.includes('certificate revoked'), {
      timeoutMs: 60_000,
    });
    expect(await connected()).to.equal(false);
    front.show(folder.issue('rabbit', { hosts: true }));
    await until('it is connected again', connected, { timeoutMs: 60_000 });
    expect(await ended(await run('basic.add', { args: [1, 2] }))).to.equal('completed');
    expect(roles.every(({ running }) => running)).to.equal(true);
  });

  it('are in no log, no answer, no error, no list of processes and no environment of a child', () => {
    for (const { name, pid, output } of roles) {
      said.set(`log of ${name}`, output);
      said.set(`command line of ${name}`, readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    }
    for (const file of readdirSync(deployment.directory).filter(name => name.endsWith('.log')))
      said.set(file, readFileSync(join(deployment.directory, file), 'utf8'));
    expect(said.get('log of worker')).to.include('"level"');
    const found = [...said].flatMap(([where, text]) =>
      Object.entries(secrets)
        .filter(([kind]) => !ofClients[kind]?.test(where))
        .filter(([, secret]) => text.includes(secret) || text.includes(encodeURIComponent(secret)))
        .map(([kind]) => `${kind} in ${where}`),
    );
    expect(found).to.deep.equal([]);
    for (const secret of Object.values(secrets)) expect(secret.length).to.be.greaterThan(12);
  });

  function statusOf(pid: string): string {
    try {
      return readFileSync(`/proc/${pid}/status`, 'utf8');
    } catch {
      return ''; // it has ended meanwhile
    }
  }
});
