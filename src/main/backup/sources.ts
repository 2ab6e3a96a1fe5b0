import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Source } from '../../backup/folders/pack.js';
import type { Loaded } from '../../config/load.js';
import { allOptions } from '../../config/schema.js';
import { settingsPaths, type Environment } from '../../config/sources.js';

/** Downloads under way: a sync that runs again fetches them again. */
const UNFINISHED_CONTENT = /^content\/incoming(\/|$)/;
/** Pids of a moment that is over. */
const CHILDREN_LEDGER = /^[^/]+\/children(\/|$)/;

/** What of the disk belongs to a deployment on this machine. */
export function sourcesOf({ config }: Loaded, env: Environment, cwd: string): Source[] {
  const settings = unique([...settingsPaths(env, cwd), ...secretFiles(env, cwd), ...tlsFiles(config, cwd)]);
  const sources: Source[] = [];
  if (settings.length > 0) sources.push({ kind: 'settings', root: '/', tops: settings.map(below) });
  if (existsSync(config.dataDirectory)) {
    sources.push({ kind: 'content', root: config.dataDirectory, tops: [''], leaveOut: UNFINISHED_CONTENT });
  }
  if (existsSync(config.workingDirectory)) {
    sources.push({ kind: 'work', root: config.workingDirectory, tops: [''], leaveOut: CHILDREN_LEDGER });
  }
  if (config.backup.include.length > 0) {
    sources.push({ kind: 'include', root: '/', tops: unique(config.backup.include.map(path => resolve(path))).map(below) });
  }
  return sources;
}

/** Every option as it is, secrets too, with where it came from: what variables said stands in no file. */
export function inForce({ config, origins }: Loaded): object {
  const valueOf = (key: string): unknown =>
    key.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], config);
  return Object.fromEntries(
    allOptions().map(({ key, option }) => [
      key,
      { value: valueOf(key) ?? null, source: origins.get(key) ?? 'default', env: option.env },
    ]),
  );
}

/** `INTERLOCK_MONGO_URL_FILE` and its like. */
function secretFiles(env: Environment, cwd: string): string[] {
  const named = allOptions().map(({ option }) => (option.secret ? env[`${option.env}_FILE`] : undefined));
  return named.filter(path => path !== undefined).map(path => resolve(cwd, path));
}

function tlsFiles({ mongo, amqp, api }: Loaded['config'], cwd: string): string[] {
  const named = [mongo.tls, amqp.tls, api.tls].flatMap(tls => Object.values(tls));
  return named.filter(path => path !== null).map(path => resolve(cwd, path));
}

/** A path that lies in another one of these comes with it. */
function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)].filter(path => !paths.some(other => other !== path && path.startsWith(`${other}/`)));
}

function below(path: string): string {
  return path.slice(1);
}
