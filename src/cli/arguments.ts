import { readFileSync } from 'node:fs';

import { InvalidArgumentError } from 'commander';

import { duplicateKey } from '../core/duplicate-key.js';
import type { Json, JsonObject } from '../core/json.js';
import { QUEUE_NAME } from '../core/names.js';
import { FINAL_STATES, type FinalState } from '../core/state.js';

/** Readers of option values; commander names the option when one throws, and ends with code 2. */

/** JSON, or `@file` that holds it. */
function json(given: string): Json {
  const { text, value } = parsed(given);
  const twice = duplicateKey(text, value);
  if (!twice) return value;
  const where = `line ${twice.line}, column ${twice.column}`;
  throw new InvalidArgumentError(`The key ${JSON.stringify(twice.path.at(-1))} is given twice: ${where}.`);
}

function parsed(given: string): { text: string; value: Json } {
  try {
    const text = given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given;
    return { text, value: JSON.parse(text) as Json };
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as Error).message}.`);
  }
}

export function jsonArray(text: string): Json[] {
  const value = json(text);
  if (Array.isArray(value)) return value;
  throw new InvalidArgumentError(`Expected a JSON array, as '[1, "two"]'.`);
}

export function jsonObject(text: string): JsonObject {
  const value = json(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new InvalidArgumentError(`Expected a JSON object, as '{"name": "value"}'.`);
}

export function integerBetween(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected an integer from ${min} to ${max}.`);
  };
}

export function oneOfWords<Word extends string>(...words: readonly Word[]): (text: string) => Word {
  return text => {
    const word = words.find(each => each === text);
    if (word !== undefined) return word;
    throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`);
  };
}

/** Seconds, fractions allowed. */
export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text)) return value;
  throw new InvalidArgumentError('Expected a number of seconds.');
}

export function time(text: string): Date {
  const moment = new Date(text);
  if (/^\d{4}-/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw new InvalidArgumentError('Expected a time as 2026-01-31T12:00:00Z.');
}

/** Seconds from now, or a time. */
export function secondsOrTime(text: string): number | string {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('Expected a number of seconds, or a time as 2026-01-31T12:00:00Z.');
}

/** `name=number`, and the option may be repeated. The last `=` parts them: names may have some. */
export function collectUnits(text: string, before: Record<string, number> = {}): Record<string, number> {
  const at = text.lastIndexOf('=');
  const units = Number(text.slice(at + 1));
  if (at < 1 || !/^\d+$/.test(text.slice(at + 1)) || units < 1)
    throw new InvalidArgumentError('Expected a name and a number of units, as gpu=2.');
  return { ...before, [text.slice(0, at)]: units };
}

/** `key=max` */
export function limit(text: string): { key: string; max: number } {
  const [found] = Object.entries(collectUnits(text));
  if (!found) throw new InvalidArgumentError('Expected a key and a number, as import=5.');
  return { key: found[0], max: found[1] };
}

/** For options that may be repeated. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** A final state; may be repeated. */
export function finalStates(text: string, before: FinalState[] = []): FinalState[] {
  const state = FINAL_STATES.find(each => each === text);
  if (state !== undefined) return [...before, state];
  throw new InvalidArgumentError(`Expected one of ${FINAL_STATES.join(', ')}.`);
}

/** `a,b`, and the option may be repeated. */
export function collectNames(text: string, before: string[] = []): string[] {
  const names = text.split(',').map(name => name.trim());
  const bad = names.find(name => !QUEUE_NAME.test(name));
  if (bad !== undefined) throw new InvalidArgumentError(`"${bad}" is no name: expected 1 to 64 letters, digits, _ . -`);
  return [...before, ...names];
}
