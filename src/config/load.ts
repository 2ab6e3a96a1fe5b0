import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

import { DEFAULT_TIMING, timingProblems, type Timing } from '../core/timing.js';
import { redactText } from '../process/redact.js';
import { collect, type Origins } from './collect.js';
import { ConfigError, type Problem } from './config-error.js';
import { exposureWarnings, tlsContradictions } from './exposure.js';
import type { Config, Settings } from './schema.js';
import { readSources, type Environment } from './sources.js';

export interface Loaded {
  config: Config;
  /** Where each option's value came from: a file, a variable, or `default`. */
  origins: Origins;
  /** Worth a line in the log, no reason to stop. */
  warnings: string[];
}

/**
 * Files and variables → one frozen, valid configuration. Throws ConfigError with all that is wrong.
 * Process entry points only: everything else is handed plain values.
 */
export function loadConfig(env: Environment = process.env, cwd: string = process.cwd()): Loaded {
  const { sources, problems } = readSources(env, cwd);
  if (problems.length > 0) throw new ConfigError(problems);
  const collected = collect(sources, env);
  const settings = collected.settings as Settings;
  const wrong = collected.problems.length > 0 ? collected.problems : inconsistencies(settings, collected.origins, env);
  if (wrong.length > 0) throw new ConfigError(wrong);
  const unreadable = unreadableFiles(settings, collected.origins);
  if (unreadable.length > 0) throw new ConfigError(unreadable);
  const warnings = [...collected.warnings, ...exposureWarnings(settings)];
  return { config: freeze(derive(settings, cwd)), origins: collected.origins, warnings };
}

/** Throws ConfigError unless both servers are named. */
export function requireServers(config: Config): { mongoUrl: string; amqpUrl: string } {
  const { mongo, amqp } = config;
  if (mongo.url !== null && amqp.url !== null) return { mongoUrl: mongo.url, amqpUrl: amqp.url };
  throw new ConfigError([
    ...(mongo.url === null ? [missingMongo()] : []),
    ...(amqp.url === null ? [missingServer('amqp.url', 'INTERLOCK_AMQP_URL', 'amqp://127.0.0.1:5672')] : []),
  ]);
}

/** The database alone, for what only reads it. Throws ConfigError unless it is named. */
export function requireDatabase({ mongo }: Config): string {
  if (mongo.url !== null) return mongo.url;
  throw new ConfigError([missingMongo()]);
}

function missingMongo(): Problem {
  return missingServer('mongo.url', 'INTERLOCK_MONGO_URL', 'mongodb://127.0.0.1:27017/?replicaSet=rs0');
}

function missingServer(key: string, variable: string, example: string): Problem {
  const detail = `is not set: expected an address, as ${example} (\`interlock dev\` and \`npm start\` bring servers of their own)`;
  return { key, source: variable, detail };
}

function derive(settings: Settings, cwd: string): Config {
  return {
    ...settings,
    dataDirectory: resolve(cwd, settings.dataDirectory),
    workingDirectory: resolve(cwd, settings.workingDirectory),
    worker: { ...settings.worker, concurrency: settings.worker.concurrency ?? availableParallelism() },
    timing: scaledTiming(settings),
  };
}

function unscaledTiming({ timing }: Settings): Timing {
  return {
    ...timing,
    heartbeatDeadlineMs: timing.heartbeatDeadlineMs ?? Math.round(timing.heartbeatMs * 0.8),
    // 20 s and 25 s make 22 s: later than the children's end by two fifths of what lies between.
    watchMs: timing.watchMs ?? Math.round(timing.selfFenceMs + (timing.ttlMs - timing.selfFenceMs) * 0.4),
  };
}

function scaledTiming(settings: Settings): Timing {
  const timing = unscaledTiming(settings);
  const names = Object.keys(DEFAULT_TIMING) as (keyof Timing)[];
  const scaled = names.map(name => [name, Math.max(1, Math.round(timing[name] * settings.timing.scale))]);
  return Object.fromEntries(scaled) as Timing;
}

/** Certificates and keys: better told now than by a handshake that fails. Those of the API are often for its user alone: it looks for itself. */
function unreadableFiles({ mongo, amqp }: Settings, origins: Origins): Problem[] {
  const files = Object.entries({ mongo, amqp }).flatMap(([server, { tls }]) =>
    Object.entries(tls).map(([name, path]) => ({ key: `${server}.tls.${name}`, path })),
  );
  return files.flatMap(({ key, path }) => {
    if (path === null) return [];
    try {
      accessSync(path, constants.R_OK);
      return [];
    } catch (error) {
      return [
        {
          key,
          source: origins.get(key) ?? 'default',
          detail: `expected a readable file: ${redactText((error as Error).message)}`,
        },
      ];
    }
  });
}

function inconsistencies(settings: Settings, origins: Origins, env: Environment): Problem[] {
  return [
    ...assignmentProblems(settings, origins),
    ...timingInconsistencies(settings, origins),
    ...tlsContradictions(settings, origins, env),
  ];
}

/** Late assignment binds nothing but the work of dedicated workers, so there would be nothing to cancel. */
function assignmentProblems({ workers, assignment }: Settings, origins: Origins): Problem[] {
  if (workers.onMissing !== 'cancelAssigned' || assignment === 'eager') return [];
  const key = 'workers.onMissing';
  const detail = `cancelAssigned needs assignment eager, not ${assignment}: expected INTERLOCK_ASSIGNMENT=eager beside it, or reassign`;
  return [{ key, source: origins.get(key) ?? 'default', detail }];
}

function timingInconsistencies(settings: Settings, origins: Origins): Problem[] {
  const problem = (name: string, detail: string): Problem => {
    const key = `timing.${name}`;
    return { key, source: origins.get(key) ?? 'default', detail };
  };
  const { watchMs, selfFenceMs, ttlMs } = settings.timing;
  // Without this the complaint would be about a `watchMs` that nobody has set.
  if (watchMs === null && selfFenceMs >= ttlMs) {
    return [problem('selfFenceMs', `must be below ttlMs: expected less than ${ttlMs}, not ${selfFenceMs}`)];
  }
  return timingProblems(unscaledTiming(settings)).map(sentence => {
    const [name = '', detail = ''] = sentence.split(/: (.*)/s);
    return problem(name, detail);
  });
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part as object);
  return Object.freeze(value);
}
