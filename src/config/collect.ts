import { readFileSync, statSync } from 'node:fs';

import type { Problem } from './config-error.js';
import { nearest } from '../core/nearest.js';
import { redactText } from '../process/redact.js';
import type { Option } from './option.js';
import { allOptions, ENVIRONMENT_ONLY, isOption, OPTIONS, type Group } from './schema.js';
import type { Environment, Source } from './sources.js';

/** Option → where its value came from. */
export type Origins = ReadonlyMap<string, string>;

export interface Collected {
  settings: object;
  origins: Origins;
  problems: Problem[];
  warnings: string[];
}

interface Value {
  raw: unknown;
  source: Source;
  origin: string;
}

/** Takes every option from the last source that names it, and checks it; finds what no option answers to. */
export function collect(sources: readonly Source[], env: Environment): Collected {
  const values = new Map<string, Value>();
  const problems: Problem[] = emptyVariables(env);
  for (const source of sources) gather(source, { group: OPTIONS, values: source.values, prefix: '' }, values, problems);
  problems.push(...readSecretFiles(env, values));
  const settings = build(OPTIONS, '', values, problems);
  problems.push(...exposedSecrets(values));
  const origins = new Map([...values].map(([key, value]) => [key, value.origin]));
  return { settings, origins, problems, warnings: unknownVariables(env) };
}

/** A place in the table with what a source says there. */
interface Level {
  group: Group;
  values: Record<string, unknown>;
  prefix: string;
}

function gather(source: Source, level: Level, values: Map<string, Value>, problems: Problem[]): void {
  for (const [name, raw] of Object.entries(level.values)) {
    const key = level.prefix + (name === '' ? '""' : name);
    const entry = Object.hasOwn(level.group, name) ? level.group[name] : undefined;
    if (!entry) problems.push({ key, source: source.name, detail: unknownKey(name, level) });
    else if (isOption(entry)) values.set(key, { raw, source, origin: originOf(source, entry) });
    else if (isGroup(raw)) gather(source, { group: entry, values: raw, prefix: `${key}.` }, values, problems);
    else problems.push({ key, source: source.name, detail: `expected an object with ${Object.keys(entry).join(', ')}` });
  }
}

function originOf(source: Source, option: Option<unknown>): string {
  if (source.kind === 'environment') return option.env;
  return source.kind === 'default' ? 'default' : source.name;
}

function unknownKey(name: string, level: Level): string {
  const meant = nearest(name, Object.keys(level.group));
  return `no such option${meant === undefined ? `; expected one of ${Object.keys(level.group).join(', ')}` : `; did you mean ${level.prefix}${meant}?`}`;
}

function build(group: Group, prefix: string, values: ReadonlyMap<string, Value>, problems: Problem[]): object {
  const entries = Object.entries(group).map(([name, entry]) => {
    const key = prefix + name;
    if (!isOption(entry)) return [name, build(entry, `${key}.`, values, problems)];
    const value = values.get(key);
    if (!value) return [name, entry.default];
    const { raw, source, origin } = value;
    const reading = entry.read(source.kind === 'environment' && typeof raw === 'string' ? entry.fromText(raw) : raw);
    if (reading.ok) return [name, reading.value];
    // Something else may have come to the wrong place, with a password in it.
    const got = entry.secret ? '' : `, not ${redactText(JSON.stringify(raw)).slice(0, 80)}`;
    problems.push({ key, source: origin, detail: `expected ${reading.expected}${got}` });
    return [name, entry.default];
  });
  return Object.fromEntries(entries) as object;
}

/** node-config passes over a variable that is set to nothing; who sets one means something, so it is told. */
function emptyVariables(env: Environment): Problem[] {
  return allOptions()
    .filter(({ option }) => env[option.env] === '')
    .map(({ key, option }) => ({
      key,
      source: option.env,
      detail: `is set but empty: expected ${option.expected}, or no such variable`,
    }));
}

/** `INTERLOCK_MONGO_URL_FILE=/run/credentials/mongo`: a secret that never stands in an environment. */
function readSecretFiles(env: Environment, values: Map<string, Value>): Problem[] {
  const problems: Problem[] = [];
  for (const { key, option } of allOptions().filter(entry => entry.option.secret)) {
    const variable = `${option.env}_FILE`;
    const path = env[variable];
    if (path === undefined) continue;
    if (env[option.env] !== undefined)
      problems.push({ key, source: variable, detail: `expected either this or ${option.env}, not both` });
    try {
      const raw = readFileSync(path, 'utf8').trim();
      values.set(key, { raw, source: { name: variable, kind: 'environment', values: {} }, origin: `${variable} ${path}` });
    } catch (error) {
      problems.push({ key, source: variable, detail: `expected a readable file: ${redactText((error as Error).message)}` });
    }
  }
  return problems;
}

/** A password in a file that everybody may read is no secret. */
function exposedSecrets(values: ReadonlyMap<string, Value>): Problem[] {
  return allOptions().flatMap(({ key, option }) => {
    const value = values.get(key);
    if (!option.secret || value?.source.path === undefined || !/:\/\/[^/]*:[^/]*@/.test(String(value.raw))) return [];
    const mode = statSync(value.source.path).mode & 0o777;
    if ((mode & 0o007) === 0) return [];
    const detail = `holds a password but everybody may use the file (mode ${mode.toString(8)}): expected mode 640 or 600`;
    return [{ key, source: value.origin, detail }];
  });
}

function unknownVariables(env: Environment): string[] {
  const options = allOptions();
  const known = [
    ...options.map(({ option }) => option.env),
    ...options.filter(({ option }) => option.secret).map(({ option }) => `${option.env}_FILE`),
    ...ENVIRONMENT_ONLY.map(({ env: name }) => name),
  ];
  return Object.keys(env)
    .filter(name => name.startsWith('INTERLOCK_') && !name.startsWith('INTERLOCK_TEST_') && !known.includes(name))
    .map(name => ({ name, meant: nearest(name, known) }))
    .map(({ name, meant }) => `The variable ${name} has no meaning${meant === undefined ? '.' : `; did you mean ${meant}?`}`);
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
