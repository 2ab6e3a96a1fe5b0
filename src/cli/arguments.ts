import { readFileSync } from 'node:fs';

import { InvalidArgumentError } from 'commander';

import type { Json, JsonObject } from '../core/json.js';

/** Readers of option values; commander names the option when one throws, and ends with code 2. */

/** JSON, or `@file` that holds it. */
function json(text: string): Json {
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text) as Json;
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

/** For options that may be repeated. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** `a,b`, and the option may be repeated. */
export function collectNames(text: string, before: string[] = []): string[] {
  const names = text.split(',').map(name => name.trim());
  const bad = names.find(name => !/^[A-Za-z0-9_.-]{1,64}$/.test(name));
  if (bad !== undefined) throw new InvalidArgumentError(`"${bad}" is no name: expected 1 to 64 letters, digits, _ . -`);
  return [...before, ...names];
}
