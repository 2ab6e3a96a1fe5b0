import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { ConfigError, type Problem } from '../../../src/config/config-error.js';
import { loadConfig } from '../../../src/config/load.js';
import { showConfig } from '../../../src/config/show.js';

/** Rows of docs/bad-input.md about settings, as far as no other test shows them. */
describe('Settings that cannot be', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'interlock-settings-'))));
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    rmSync(join(folder, 'config'), { recursive: true, force: true });
    mkdirSync(join(folder, 'config'));
  });

  const write = (text: string, name = 'default.json'): string => {
    const path = join(folder, 'config', name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const load = (env: Record<string, string> = {}): ReturnType<typeof loadConfig> => loadConfig(env, folder);
  function problems(env: Record<string, string> = {}): string[] {
    try {
      load(env);
    } catch (error) {
      if (error instanceof ConfigError)
        return error.problems.map(({ key, source, detail }: Problem) => `${key} (${source}): ${detail}`);
      throw error;
    }
    return [];
  }

  const CONCURRENCY = 'worker.concurrency (INTERLOCK_WORKER_CONCURRENCY): expected an integer from 1 to 2000, not';
  const PORT = 'api.port (INTERLOCK_API_PORT): expected an integer from 0 to 65535, not';
  const HOST =
    'expected amqp[s]://[user:password@]host[:port][,host…][/vhost], special characters of the password as %xx, the vhost / as %2F';
  const variables: [what: string, variable: string, value: string, expected: string][] = [
    ['B50 no slots', 'INTERLOCK_WORKER_CONCURRENCY', '0', `${CONCURRENCY} "0"`],
    ['B50 fewer than none', 'INTERLOCK_WORKER_CONCURRENCY', '-1', `${CONCURRENCY} "-1"`],
    ['B50 one and a half', 'INTERLOCK_WORKER_CONCURRENCY', '1.5', `${CONCURRENCY} "1.5"`],
    ['B50 too many', 'INTERLOCK_WORKER_CONCURRENCY', '10000', `${CONCURRENCY} "10000"`],
    ['B50 a word', 'INTERLOCK_WORKER_CONCURRENCY', 'auto ', `${CONCURRENCY} "auto "`],
    ['B59 another scheme', 'INTERLOCK_AMQP_URL', 'http://u:hush@h', `amqp.url (INTERLOCK_AMQP_URL): ${HOST}`],
    ['B59 no host', 'INTERLOCK_AMQP_URL', 'amqp://', `amqp.url (INTERLOCK_AMQP_URL): ${HOST}`],
    [
      'B59 a bare @',
      'INTERLOCK_AMQP_URL',
      'amqp://u:hu@sh@h',
      'amqp.url (INTERLOCK_AMQP_URL): expected @ in the password as %40',
    ],
    ['B59 a bare #', 'INTERLOCK_AMQP_URL', 'amqp://u:hush#1@h', `amqp.url (INTERLOCK_AMQP_URL): ${HOST}`],
    [
      'B59 a bare / for a vhost',
      'INTERLOCK_AMQP_URL',
      'amqp://u:hush@h//',
      'amqp.url (INTERLOCK_AMQP_URL): expected / in the name of the vhost as %2F',
    ],
    [
      'B59 an unknown option',
      'INTERLOCK_AMQP_URL',
      'amqp://h/?hartbeat=5',
      'amqp.url (INTERLOCK_AMQP_URL): expected no other option than heartbeat, frameMax, channelMax, locale, connection_timeout',
    ],
    [
      'B59 no heartbeat',
      'INTERLOCK_AMQP_URL',
      'amqp://h/?heartbeat=0',
      'amqp.url (INTERLOCK_AMQP_URL): expected no heartbeat=0: a dead connection would never be noticed',
    ],
    ['B62 a port that is none', 'INTERLOCK_API_PORT', '65536', `${PORT} "65536"`],
    ['B62 a port below nothing', 'INTERLOCK_API_PORT', '-1', `${PORT} "-1"`],
    [
      'B66 a variable of nothing',
      'INTERLOCK_LOG_FORMAT',
      '',
      'log.format (INTERLOCK_LOG_FORMAT): is set but empty: expected one of auto, json, pretty, or no such variable',
    ],
  ];
  for (const [what, variable, value, expected] of variables)
    it(`are refused: ${what}`, () => expect(problems({ [variable]: value })).to.deep.equal([expected]));

  it('are refused by the folder that is named by nothing', () => {
    expect(problems({ INTERLOCK_CONFIG_DIR: '' })).to.deep.equal([
      `${folder} (INTERLOCK_CONFIG_DIR): is set but empty: expected a folder, or no such variable`,
    ]);
  });

  for (const variable of ['INTERLOCK_CONFIG_DIR', 'INTERLOCK_AMQP_URL_FILE', 'INTERLOCK_AMQP_TLS_CA_FILE']) {
    it(`are refused without the password of an address that came to ${variable}`, () => {
      const [problem, ...more] = problems({ [variable]: 'amqp://u:hush@h:5671/x' });
      expect(problem).to.include(`(${variable}): expected a`).and.not.include('hush');
      expect(more).to.deep.equal([]);
    });
  }

  const NEVER = 'no name of an option';
  const files: [what: string, text: string, expected: string][] = [
    ['B56 a missing brace', '{"api": {"port": 1}', 'config/default.json:1:20 (file): JSON5: invalid end of input'],
    [
      'B56 a key that is given twice',
      '{\n\t"api": {"port": 1, "port": 2}\n}',
      'config/default.json:2:21 (file): api.port is given twice',
    ],
    [
      'B56 a group that is given twice',
      "{api: {port: 1}, // here\n 'api': {}}",
      'config/default.json:2:2 (file): api is given twice',
    ],
    ['B56 a list', '[]', 'config/default.json (file): holds no settings'],
    ['B57 a prototype', '{"api": {"__proto__": {"port": 1}}}', `config/default.json (file): api.__proto__ is ${NEVER}`],
    [
      "B57 a constructor's prototype",
      '{"constructor": {"prototype": {"port": 1}}}',
      `config/default.json (file): constructor is ${NEVER}`,
    ],
    ['B57 a key of nothing', '{"api": {"": 1}}', 'api."" (config/default.json): no such option'],
    [
      'B57 a slip of the finger',
      '{"amqp": {"ulr": "amqp://h"}}',
      'amqp.ulr (config/default.json): no such option; did you mean amqp.url?',
    ],
  ];
  for (const [what, text, expected] of files)
    it(`are refused: ${what}`, () => {
      write(text);
      const [problem, ...others] = problems();
      expect(problem).to.satisfy((said: string) => said.startsWith(expected), problem);
      expect(others).to.deep.equal([]);
      expect(({} as Record<string, unknown>).port).to.equal(undefined);
    });

  it('are refused in NODE_CONFIG by the same rules', () => {
    expect(problems({ NODE_CONFIG: '{"api": {"port": 1, "port": 2}}' })).to.deep.equal([
      'NODE_CONFIG:1:21 (file): api.port is given twice at 1:21',
    ]);
    expect(problems({ NODE_CONFIG: '{"__proto__": {"port": 1}}' })[0]).to.include('__proto__');
    expect(problems({ NODE_CONFIG: '[]' })[0]).to.include('NODE_CONFIG (file): holds no settings');
    expect(problems({ NODE_CONFIG: '{' })[0]).to.match(/^NODE_CONFIG \(file\): /);
  });

  it('are told without a password that came to the wrong place', () => {
    write('{"amqp": {"prefix": {"url": "amqp://u:hush@h"}}, "log": {"level": "amqp://u:hush@h"}}');
    expect(problems().join(' ')).to.include('amqp.prefix').and.include('log.level').and.not.include('hush');
  });

  it('are none with tabs, and a byte order mark as editors of other systems write it', () => {
    write('\ufeff{\n\t"api":\t{"port":\t1}}');
    expect(load().config.api.port).to.equal(1);
  });

  it('are refused where their file is a folder, or cannot be read', function () {
    mkdirSync(join(folder, 'config', 'local.json'));
    expect(problems()[0]).to.match(/local\.json.*EISDIR/);
    rmSync(join(folder, 'config', 'local.json'), { recursive: true });
    chmodSync(write('{}', 'local.json'), 0o000);
    // root may read whatever it likes
    if (process.getuid?.() !== 0) expect(problems()[0]).to.match(/local\.json.*EACCES/);
  });

  it('warn of the user that every RabbitMQ knows, where the broker is not on this machine', () => {
    const warned = (url: string): string[] => load({ INTERLOCK_AMQP_URL: url }).warnings;
    for (const url of ['amqp://guest:guest@broker.example/', 'amqp://broker.example', 'amqp://guest:hush@127.0.0.1,10.0.0.1'])
      expect(warned(url).join(), url)
        .to.match(/default user \(guest\) at (broker\.example|10\.0\.0\.1)/)
        .and.not.include('hush');
    for (const url of ['amqp://guest:guest@127.0.0.1/', 'amqp://localhost', 'amqp://[::1]', 'amqp://interlock:x@broker.example'])
      expect(warned(url).join(), url).not.to.include('guest');
  });

  it('tell where each value comes from, when a file and a variable name the same option', () => {
    write('{"log": {"level": "warn"}, "amqp": {"url": "amqp://u:hush@file"}}');
    const shown = showConfig(load({ INTERLOCK_AMQP_URL: 'amqp://u:hush@variable' }));
    const row = (key: string): object | undefined => shown.find(each => each.key === key);
    expect(row('amqp.url')).to.include({ value: 'amqp://u:***@variable', source: 'INTERLOCK_AMQP_URL' });
    expect(row('log.level')).to.include({ value: 'warn', source: 'config/default.json' });
  });
});
