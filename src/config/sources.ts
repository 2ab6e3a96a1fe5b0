import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, delimiter, join, relative, resolve } from 'node:path';

import { Load } from 'config/lib/util.js';

import { duplicateKey, findDuplicateKey } from '../core/duplicate-key.js';
import { redactText } from '../process/redact.js';
import type { Problem } from './config-error.js';

/** What one file or the environment says. */
export interface Source {
  /** The file's path, as short as it gets; `environment` for variables. */
  name: string;
  kind: 'default' | 'file' | 'environment';
  values: Record<string, unknown>;
  /** Absolute, for files. */
  path?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What node-config reads with JSON5, which keeps the last of two members of one name, and says nothing. */
const JSON_FILE = /\.json[5c]?$/;
const POISON: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const MAPPING = 'custom-environment-variables';
const PACKAGE_FOLDER = resolve(import.meta.dirname, '../../config');

/**
 * Reads what node-config would: `default`, `<NODE_ENV>`, `<host>` and `local` files of the package's folder and of the
 * user's, then NODE_CONFIG, then variables; later ones win. node-config's own singleton is left aside because it reads
 * the current folder at the moment of its import.
 */
export function readSources(env: Environment, cwd: string): { sources: Source[]; problems: Problem[] } {
  const own = userFolder(env, cwd);
  if (own.problem) return { sources: [], problems: [own.problem] };
  const folders = [...new Set([PACKAGE_FOLDER, own.folder])];
  const options = {
    configDir: folders.join(delimiter),
    nodeEnv: (env.NODE_ENV ?? 'development').split(','),
    hostName: hostname(),
  };
  const load = new LoadFrom(env, options);
  try {
    load.scan(nodeConfig(env));
  } catch (error) {
    return { sources: [], problems: [unreadable(error as Error, cwd)] };
  }
  return { sources: load.getSources().map(source => sourceOf(source.name, source.parsed, cwd)), problems: [] };
}

/** The user's own settings on the disk: the folder, where it is not the package's, and the files that were read elsewhere. Absolute. */
export function settingsPaths(env: Environment, cwd: string): string[] {
  const { folder } = userFolder(env, cwd);
  const own = folder !== PACKAGE_FOLDER && existsSync(folder) ? [folder] : [];
  const read = readSources(env, cwd).sources.flatMap(({ kind, path }) => (kind === 'file' && path !== undefined ? [path] : []));
  return [...own, ...read.filter(path => !own.some(each => path.startsWith(`${each}/`)))];
}

/** node-config that takes variables from where it is told to, and says which file holds nothing (as YAML without a parser). */
class LoadFrom extends Load {
  readonly #variables: Environment;

  constructor(env: Environment, options: ConstructorParameters<typeof Load>[0]) {
    super(options);
    this.#variables = env;
  }

  override substituteDeep(mapping: object): object {
    return super.substituteDeep(mapping, this.#variables) as object;
  }

  override addConfig(name: string, values: unknown, original?: string): this {
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw bad(name, 'holds no settings, or needs a parser that is not installed');
    // node-config copies member by member, into the prototype of everything where one is called so.
    const poison = poisonIn(values);
    if (poison !== undefined) throw bad(name, `${poison} is no name of an option`);
    const twice = JSON_FILE.test(name) && original !== undefined ? findDuplicateKey(original) : undefined;
    if (twice) throw bad(name, `${twice.path.join('.')} is given twice at ${twice.line}:${twice.column}`);
    super.addConfig(name, values, original);
    return this;
  }
}

/** In the words of node-config. */
function bad(name: string, what: string): Error {
  return new Error(`Cannot parse config file: '${name}': Error: ${what}`);
}

function poisonIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const found = POISON.has(name) ? '' : poisonIn(member);
    if (found !== undefined) return found === '' ? name : `${name}.${found}`;
  }
  return undefined;
}

function userFolder(env: Environment, cwd: string): { folder: string; problem?: Problem } {
  const given = env.INTERLOCK_CONFIG_DIR;
  const folder = resolve(cwd, given ?? 'config');
  if (given === undefined && !existsSync(folder)) return { folder };
  // Something else may have come to the wrong place, with a password in it.
  const shown = resolve(cwd, redactText(given ?? 'config'));
  const problem = (detail: string): Problem => ({
    key: shown,
    source: given === undefined ? 'default' : 'INTERLOCK_CONFIG_DIR',
    detail: detail.replaceAll(folder, shown),
  });
  if (given === '') return { folder, problem: problem('is set but empty: expected a folder, or no such variable') };
  try {
    if (!statSync(folder).isDirectory()) return { folder, problem: problem('expected a folder') };
    accessSync(folder, constants.R_OK | constants.X_OK);
    return { folder };
  } catch (error) {
    return { folder, problem: problem(`expected a folder that this user can read: ${(error as Error).message}`) };
  }
}

function nodeConfig(env: Environment): { name: string; config: unknown }[] {
  const text = env.NODE_CONFIG;
  if (text === undefined || text === '') return [];
  try {
    const config = JSON.parse(text) as unknown;
    const twice = duplicateKey(text, config);
    if (!twice) return [{ name: 'NODE_CONFIG', config }];
    throw new Error(`${twice.path.join('.')} is given twice at ${twice.line}:${twice.column}`);
  } catch (error) {
    throw bad('NODE_CONFIG', (error as Error).message);
  }
}

function sourceOf(path: string, parsed: unknown, cwd: string): Source {
  const values = (parsed ?? {}) as Record<string, unknown>;
  if (basename(path).startsWith(`${MAPPING}.`)) return { name: 'environment', kind: 'environment', values };
  if (path === 'NODE_CONFIG') return { name: path, kind: 'file', values };
  const kind = path === join(PACKAGE_FOLDER, 'default.json') ? 'default' : 'file';
  return { name: shortest(path, cwd), kind, values, path };
}

/** node-config names the file; JSON5 gives line and column, as `JSON5: invalid character 'x' at 3:14`. */
function unreadable(error: Error, cwd: string): Problem {
  const named = /^(?:Config file|Cannot parse config file:) '?(.+?)'?(?:: | cannot be read)/.exec(error.message);
  const at = /at (\d+:\d+)$/.exec(error.message);
  const path = named?.[1];
  const key = path === undefined ? 'settings' : shortest(path, cwd);
  return {
    key: at ? `${key}:${at[1] ?? ''}` : key,
    source: 'file',
    detail: error.message.replace(/^.*?Error: /s, '').split('\n')[0] ?? '',
  };
}

function shortest(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near.length < path.length && !near.startsWith('..') ? near : path;
}
