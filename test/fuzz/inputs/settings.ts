import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { profileNamed, readProfiles, writeProfiles } from '../../../src/cli/profiles.js';
import { UsageError } from '../../../src/cli/exit-codes.js';
import { ConfigError } from '../../../src/config/config-error.js';
import { loadConfig } from '../../../src/config/load.js';
import { allOptions } from '../../../src/config/schema.js';
import { showConfig } from '../../../src/config/show.js';
import { garbled } from './garble.js';
import type { Stage } from './stage.js';

const SETTINGS = [
  {
    api: { host: '127.0.0.1', port: 8_787, requireTokens: 'auto' },
    log: { level: 'info', format: 'json' },
    taskModules: ['./a.ts', 'b'],
  },
  {
    mongo: { url: 'mongodb://u:hush@a:1,b:2/db?replicaSet=rs&w=majority' },
    amqp: { url: 'amqps://u:hush@h:5671/%2F?heartbeat=5', prefix: 'x' },
  },
  {
    worker: { concurrency: 4, graceMs: 1_000 },
    timing: { ttlMs: 25_000, sweepMs: 5_000, scale: 0.5 },
    workers: { onMissing: 'reassign' },
  },
  {
    retention: { completedSeconds: 3_600, auditSeconds: 0 },
    assignment: 'eager',
    file: { allowPrivateOrigins: false },
    childEnvironment: ['A'],
  },
];

/** What node-config reads one after another. */
const FILES = ['default.json', 'development.json', 'production.json', 'local.json', 'local-production.json', 'default.yaml'];
const TEXTS = [
  ...['', ' ', '0', '1', '-1', '1.5', '1e3', '0x10', '007', ' 5 ', 'NaN', 'Infinity', '9007199254740993', '9'.repeat(400)],
  ...[
    'true',
    'TRUE',
    'yes',
    'null',
    'undefined',
    'info',
    'json',
    'auto',
    'eager',
    '[]',
    '{}',
    '{"a": 1}',
    'a,b,,c',
    ',',
    '__proto__',
  ],
  ...[
    '127.0.0.1',
    '::1',
    '0.0.0.0',
    'localhost',
    '/',
    '/nowhere',
    '../..',
    '.',
    '$HOME',
    '\u001b[2J',
    '\ud800',
    '\u202e',
    'x'.repeat(2_000),
  ],
  ...[
    'amqp://u:hush@h',
    'amqps://u:hush@h:5671/%2F?heartbeat=5',
    'amqp://u:hush@',
    'amqp://u:hush@h:99999',
    'mongodb://u:hush@h',
  ],
  ...[
    'mongodb://u:hush@a:1,b:2/db?replicaSet=rs&w=majority',
    'mongodb://u:hush@a/?w=0',
    'mongodb+srv://u:hush@a',
    'http://u:hush@h',
  ],
];

interface Given {
  files: [name: string, bytes: Buffer][];
  variables: Record<string, string>;
  nodeConfig: Buffer | undefined;
}

/** Files of settings over one another, NODE_CONFIG and variables: taken, or refused with every problem named and no password told. */
export const settings: Stage<Given> = {
  name: 'settings',
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), 'interlock-fuzz-'));
    return Promise.resolve({
      input: given(),
      judge: ({ files, variables, nodeConfig }) => {
        rmSync(join(folder, 'config'), { recursive: true, force: true });
        mkdirSync(join(folder, 'config'));
        for (const [name, bytes] of files) writeFileSync(join(folder, 'config', name), bytes, { mode: 0o600 });
        const env = { ...variables, ...(nodeConfig && { NODE_CONFIG: nodeConfig.toString('utf8') }) };
        // Half a password that became something else on the way is none any more.
        const whole = [...files.map(([, bytes]) => bytes), nodeConfig].every(bytes => bytes?.includes('hush"') !== true);
        return loaded(env, folder, whole);
      },
      close: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
  },
};

function given(): fc.Arbitrary<Given> {
  const secrets = allOptions().flatMap(({ option }) => (option.secret ? [`${option.env}_FILE`] : []));
  const others = ['NODE_ENV', 'INTERLOCK_CONFIG_DIR', 'INTERLOCK_NO_SUCH_OPTION'];
  const names = [...allOptions().map(({ option }) => option.env), ...secrets, ...others];
  const file = fc.tuple(fc.constantFrom(...FILES), garbled(SETTINGS));
  return fc.record({
    files: fc.oneof({ weight: 2, arbitrary: file.map(one => [one]) }, fc.array(file, { maxLength: 3 })),
    variables: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom<Record<string, string>>({}, { NODE_ENV: 'production' }) },
      fc.dictionary(fc.constantFrom(...names), fc.constantFrom(...TEXTS), { maxKeys: 3 }),
    ),
    nodeConfig: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, garbled(SETTINGS)),
  });
}

const SECRET = new Set(allOptions().flatMap(({ option }) => (option.secret ? [option.env] : [])));

function loaded(env: Record<string, string>, folder: string, whole: boolean): string {
  try {
    const found = loadConfig(env, folder);
    expect(found.config.timing.ttlMs).to.be.above(found.config.timing.selfFenceMs);
    // What somebody takes for the name of a folder is shown as one.
    const shown = showConfig(found).filter(({ env: variable }) => !env[variable]?.includes('hush') || SECRET.has(variable));
    if (whole) expect(JSON.stringify([shown, found.warnings])).to.not.include('hush');
    return 'taken';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems).to.have.length.above(0);
    for (const { key, source, detail } of error.problems) expect([key, source, detail]).to.not.include('');
    if (whole) expect(error.message).to.not.include('hush');
    return 'refused';
  }
}

const PROFILES = [
  { current: 'prod', profiles: { prod: { url: 'https://a.example', token: 'hush' }, test: { url: 'http://b.example:1' } } },
  { profiles: { a: { url: 'https://a', caFile: '/a', certificateFile: '/b', keyFile: '/c' } } },
];

/** The deployments that a user has noted: read as they are and kept so beside another one, or refused without a token. */
export const profiles: Stage<Buffer> = {
  name: 'profiles of the command line',
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), 'interlock-fuzz-'));
    const file = join(folder, 'profiles.json');
    return Promise.resolve({
      input: garbled(PROFILES),
      judge: bytes => {
        writeFileSync(file, bytes, { mode: 0o600 });
        try {
          const found = readProfiles(file);
          for (const name of Object.keys(found.profiles)) expect(profileNamed(name, found).url).to.be.a('string');
          const more = { ...found, profiles: { ...found.profiles, one_more: { url: 'http://c' } } };
          writeProfiles(more, file);
          expect(JSON.stringify(readProfiles(file))).to.equal(JSON.stringify(more));
          const { profiles: said = {} } = JSON.parse(bytes.toString('utf8')) as { profiles?: unknown };
          expect(JSON.stringify(said)).to.equal(JSON.stringify(found.profiles));
          return 'taken';
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          expect(error.message).to.not.include('hush');
          return 'refused';
        }
      },
      close: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
  },
};
