import { redactText } from '../process/redact.js';
import type { Loaded } from './load.js';
import { allOptions } from './schema.js';

export interface Shown {
  key: string;
  value: unknown;
  source: string;
  env: string;
}

/** Every option as it is in force, secrets hidden. */
export function showConfig({ config, origins }: Loaded): Shown[] {
  return allOptions()
    .filter(({ key }) => key !== 'timing.scale') // it has been multiplied into the others
    .map(({ key, option }) => ({
      key,
      value: option.secret ? hidden(valueAt(config, key)) : valueAt(config, key),
      source: origins.get(key) ?? 'default',
      env: option.env,
    }));
}

function valueAt(config: object, key: string): unknown {
  return key.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);
}

function hidden(value: unknown): unknown {
  return typeof value === 'string' ? redactText(value) : value;
}
