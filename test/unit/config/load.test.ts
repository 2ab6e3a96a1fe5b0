import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { ConfigError, type Problem } from '../../../src/config/config-error.js';
import { loadConfig, requireServers, type Loaded } from '../../../src/config/load.js';
import { showConfig } from '../../../src/config/show.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';

describe('The configuration', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'interlock-config-'))));
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    rmSync(join(folder, 'config'), { recursive: true, force: true });
    mkdirSync(join(folder, 'config'));
  });

  function settings(name: string, content: unknown): string {
    const path = join(folder, 'config', name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    return path;
  }
  const load = (env: Record<string, string> = {}): Loaded => loadConfig(env, folder);
  function problems(env: Record<string, string> = {}): readonly Problem[] {
    try {
      load(env);
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
    throw new Error('the configuration was accepted');
  }

  const limits = { requestsPerSecond: 1_000, burst: 5_000, inFlight: 500, bodyMiB: 64, openTasks: 1_000_000 };

  it('is complete without any file or variable of the user', () => {
    rmSync(join(folder, 'config'), { recursive: true });
    const { config, origins } = load();
    expect(config.timing).to.deep.equal(DEFAULT_TIMING);
    expect(config.api).to.deep.include({ host: '127.0.0.1', port: 8787, requireTokens: 'auto', behindTlsProxy: false, limits });
    expect(config.workingDirectory).to.equal(join(folder, '.interlock/work'));
    expect(config.worker.concurrency).to.be.at.least(1);
    expect(new Set(origins.values())).to.deep.equal(new Set(['default']));
  });

  it('takes files over defaults, and variables over files', () => {
    settings('default.json', { api: { port: 1_000, host: 'files' }, log: { level: 'warn' } });
    settings('local.json', { api: { port: 2_000 } });
    const { config, origins } = load({ INTERLOCK_LOG_LEVEL: 'debug' });
    expect(config.api).to.include({ host: 'files', port: 2_000, requireTokens: 'auto' });
    expect(config.log.level).to.equal('debug');
    expect(origins.get('api.host')).to.equal('config/default.json');
    expect(origins.get('api.port')).to.equal('config/local.json');
    expect(origins.get('log.level')).to.equal('INTERLOCK_LOG_LEVEL');
  });

  it('reads numbers, flags and lists from variables', () => {
    const { config } = load({
      INTERLOCK_API_PORT: '9',
      INTERLOCK_FILE_ALLOW_PRIVATE_ORIGINS: 'false',
      INTERLOCK_TASK_MODULES: './a.ts, my-tasks',
      INTERLOCK_TIMING_SCALE: '0.2',
    });
    expect(config.api.port).to.equal(9);
    expect(config.file.allowPrivateOrigins).to.equal(false);
    expect(config.taskModules).to.deep.equal(['./a.ts', 'my-tasks']);
    expect(config.timing).to.include({ heartbeatMs: 1_000, heartbeatDeadlineMs: 800, watchMs: 4_400, ttlMs: 5_000 });
  });

  it('cannot be changed', () => {
    const { config } = load();
    expect(() => Object.assign(config.worker, { graceMs: 1 })).to.throw(TypeError);
    expect(() => (config.taskModules as string[]).push('x')).to.throw(TypeError);
  });

  it('tells all problems at once, each with its key, its source and what was expected', () => {
    settings('default.json', { api: { port: 'high' }, amqp: { ulr: 'amqp://h' }, brokre: 1, worker: [] });
    const found = problems({ INTERLOCK_LOG_LEVEL: 'loud', INTERLOCK_WORKER_GRACE_MS: '1.5', INTERLOCK_API_HOST: '' });
    const told = Object.fromEntries(found.map(({ key, source, detail }) => [key, `${source}: ${detail}`]));
    expect(told).to.have.all.keys('api.port', 'amqp.ulr', 'brokre', 'worker', 'log.level', 'worker.graceMs', 'api.host');
    expect(told['api.port']).to.equal('config/default.json: expected an integer from 0 to 65535, not "high"');
    expect(told['amqp.ulr']).to.equal('config/default.json: no such option; did you mean amqp.url?');
    expect(told.brokre).to.match(/no such option; expected one of mongo, amqp/);
    expect(told.worker).to.match(/expected an object/);
    expect(told['log.level']).to.match(/^INTERLOCK_LOG_LEVEL: expected one of fatal, .*, not "loud"/);
    expect(told['worker.graceMs']).to.match(/not "1.5"$/);
    expect(told['api.host']).to.match(/^INTERLOCK_API_HOST: is set but empty/);
  });

  it('names file, line and column of a syntax error', () => {
    settings('default.json', '{\n  "api": { "port": ] }\n}');
    const [problem] = problems();
    expect(problem?.key).to.equal('config/default.json:2:20');
    expect(problem?.detail).to.match(/invalid character/);
  });

  it('refuses a folder that is none, and a format that nobody reads', () => {
    const file = settings('default.json', '{}');
    expect(problems({ INTERLOCK_CONFIG_DIR: file })[0]?.detail).to.match(/expected a folder/);
    expect(problems({ INTERLOCK_CONFIG_DIR: '/nowhere/at/all' })[0]?.source).to.equal('INTERLOCK_CONFIG_DIR');
    settings('local.toml', 'api = 1');
    expect(problems()[0]?.detail).to.match(/Cannot find module 'toml'/);
    rmSync(join(folder, 'config', 'local.toml'));
    settings('local.json', 'null');
    expect(problems()[0]?.detail).to.match(/holds no settings/);
  });

  it('derives the watch from TTL and self-fence, and refuses timing that cannot hold its promises', () => {
    const short = {
      INTERLOCK_WORKER_TTL_MS: '5000',
      INTERLOCK_WORKER_HEARTBEAT_MS: '1000',
      INTERLOCK_WORKER_SWEEP_MS: '1000',
      INTERLOCK_WORKER_SELF_FENCE_MS: '4000',
    };
    expect(load(short).config.timing).to.include({ watchMs: 4_400, heartbeatDeadlineMs: 800 });
    const fence = problems({ ...short, INTERLOCK_WORKER_SELF_FENCE_MS: '6000' });
    expect(fence).to.deep.equal([
      {
        key: 'timing.selfFenceMs',
        source: 'INTERLOCK_WORKER_SELF_FENCE_MS',
        detail: 'must be below ttlMs: expected less than 5000, not 6000',
      },
    ]);
    expect(problems({ INTERLOCK_WORKER_HEARTBEAT_MS: '20000' })[0]).to.include({ key: 'timing.selfFenceMs', source: 'default' });
    settings('default.json', { timing: { leaseTrustMs: 20_000, leaseRenewMs: 11_000 } });
    expect(problems().map(problem => problem.key)).to.deep.equal(['timing.leaseTrustMs', 'timing.leaseRenewMs']);
  });

  it('refuses to cancel what was assigned where nothing is assigned', () => {
    const cancel = { INTERLOCK_WORKERS_ON_MISSING: 'cancelAssigned' };
    expect(problems(cancel)).to.deep.equal([
      {
        key: 'workers.onMissing',
        source: 'INTERLOCK_WORKERS_ON_MISSING',
        detail: 'cancelAssigned needs assignment eager, not late: expected INTERLOCK_ASSIGNMENT=eager beside it, or reassign',
      },
    ]);
    expect(load({ ...cancel, INTERLOCK_ASSIGNMENT: 'eager' }).config.workers.onMissing).to.equal('cancelAssigned');
    expect(load({ INTERLOCK_ASSIGNMENT: 'eager' }).config.workers.onMissing).to.equal('reassign');
  });

  it('refuses server addresses that would weaken or break the service, without showing their password', () => {
    const bad = {
      mongo: [
        'http://h',
        'mongodb://h/?w=1',
        'mongodb://h/?readPreference=secondary',
        'mongodb://h/?retryWrites=false',
        'mongodb://h/?tls=true&tlsAllowInvalidCertificates=true',
        'mongodb://h/?TLSInsecure=true',
        'mongodb://',
      ],
      amqp: [
        'http://h',
        'amqp://',
        'amqp://u:hush#1@h',
        'amqp://h/?heartbeat=0',
        'amqp://h/?hartbeat=5',
        'amqp://u:hush@h/a/b',
        'amqp://u:hush@a:1,,c:3',
        'amqp://u:hush@a:1,b:99999',
      ],
    };
    for (const url of bad.mongo) expect(problems({ INTERLOCK_MONGO_URL: url }), url).to.have.length(1);
    for (const url of bad.amqp) {
      const found = problems({ INTERLOCK_AMQP_URL: url });
      expect(found, url).to.have.length(1);
      expect(JSON.stringify(found)).to.not.include('hush');
    }
    const good = load({
      INTERLOCK_MONGO_URL: 'mongodb://u:p@a:1,b:2/db?replicaSet=rs&w=majority',
      INTERLOCK_AMQP_URL: 'amqps://u:p%40@[::1]:5671/%2F?heartbeat=5',
    });
    expect(requireServers(good.config)).to.have.all.keys('mongoUrl', 'amqpUrl');
    const cluster = 'amqp://u:p@a:1,b:2,c/v?heartbeat=5';
    expect(load({ INTERLOCK_AMQP_URL: cluster }).config.amqp.url).to.equal(cluster);
  });

  it('says which variables name the servers when they are missing', () => {
    expect(() => requireServers(load().config)).to.throw(ConfigError, /INTERLOCK_MONGO_URL[^]*INTERLOCK_AMQP_URL/);
  });

  it('reads a secret from the file that a variable names', () => {
    const path = join(folder, 'amqp-url');
    writeFileSync(path, 'amqp://u:hush@host/\n');
    expect(load({ INTERLOCK_AMQP_URL_FILE: path }).config.amqp.url).to.equal('amqp://u:hush@host/');
    expect(problems({ INTERLOCK_AMQP_URL_FILE: path, INTERLOCK_AMQP_URL: 'amqp://h' })[0]?.detail).to.match(/not both/);
    expect(problems({ INTERLOCK_AMQP_URL_FILE: `${path}.gone` })[0]?.detail).to.match(/readable file/);
  });

  it('refuses a certificate that cannot be read', () => {
    expect(problems({ INTERLOCK_AMQP_TLS_CA_FILE: join(folder, 'none.pem') })[0]).to.include({
      key: 'amqp.tls.caFile',
      source: 'INTERLOCK_AMQP_TLS_CA_FILE',
    });
  });

  it('refuses what asks for TLS and does without', () => {
    const file = settings('ca.pem', '');
    const amqp = { INTERLOCK_AMQP_URL: 'amqp://u:hush@h', INTERLOCK_AMQP_TLS_CA_FILE: file };
    expect(problems(amqp)[0]).to.include({ key: 'amqp.url' });
    expect(problems(amqp)[0]?.detail)
      .to.match(/expected amqps:/)
      .and.not.include('hush');
    for (const off of ['tls=false', 'ssl=false'])
      expect(problems({ INTERLOCK_MONGO_URL: `mongodb://h/?${off}`, INTERLOCK_MONGO_TLS_CA_FILE: file })[0]?.key).to.equal(
        'mongo.url',
      );
    expect(problems({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })[0]).to.include({ key: 'NODE_TLS_REJECT_UNAUTHORIZED' });
    const good = { INTERLOCK_AMQP_URL: 'amqps://h', INTERLOCK_AMQP_TLS_CA_FILE: file, INTERLOCK_MONGO_TLS_CA_FILE: file };
    expect(load({ ...good, INTERLOCK_MONGO_URL: 'mongodb://h/' }).config.mongo.tls.caFile).to.equal(file);
  });

  it('warns of servers on other machines that are reached in the open, or with the password that everybody knows', () => {
    const told = (mongo: string, amqp: string): string[] =>
      load({ INTERLOCK_MONGO_URL: mongo, INTERLOCK_AMQP_URL: amqp }).warnings;
    expect(told('mongodb://127.0.0.1:1,[::1]:2/?replicaSet=r', 'amqp://guest:guest@localhost')).to.deep.equal([]);
    expect(told('mongodb://db.example.org/?tls=true', 'amqps://me:hush@mq.example.org')).to.deep.equal([]);
    expect(told('mongodb+srv://db.example.org/', 'amqps://me:hush@mq.example.org')).to.deep.equal([]);
    const open = told('mongodb://u:hush@127.0.0.1,db.example.org/', 'amqp://guest:hush@mq.example.org');
    expect(open).to.have.length(3);
    expect(open.join())
      .to.match(/amqp\.url .*without TLS.*default user \(guest\).*mongo\.url .*without TLS/)
      .and.not.include('hush');
  });

  it('refuses a password in a file that everybody may read', () => {
    const path = settings('default.json', { amqp: { url: 'amqp://u:hush@host/' } });
    expect(load().config.amqp.url).to.include('hush');
    chmodSync(path, 0o644);
    expect(problems()[0]).to.include({ key: 'amqp.url', source: 'config/default.json' });
  });

  it('warns of variables that mean nothing', () => {
    const { warnings } = load({ INTERLOCK_AMPQ_URL: 'amqp://h', INTERLOCK_TEST_MONGO_URL: 'x', OTHER: 'y' });
    expect(warnings).to.deep.equal(['The variable INTERLOCK_AMPQ_URL has no meaning; did you mean INTERLOCK_AMQP_URL?']);
  });

  it('is shown with sources and without secrets', () => {
    const shown = showConfig(load({ INTERLOCK_AMQP_URL: 'amqp://u:hush@host/' }));
    expect(shown.find(row => row.key === 'amqp.url')).to.deep.equal({
      key: 'amqp.url',
      value: 'amqp://u:***@host/',
      source: 'INTERLOCK_AMQP_URL',
      env: 'INTERLOCK_AMQP_URL',
    });
    expect(shown.find(row => row.key === 'timing.ttlMs')).to.include({ value: 25_000, source: 'default' });
  });
});
