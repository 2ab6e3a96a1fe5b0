import { invalid } from './errors.js';

/** What an expression allows, each in rising order. */
export interface Cron {
  seconds: number[];
  minutes: number[];
  hours: number[];
  days: number[];
  months: number[];
  weekdays: number[];
  /** `L`: the last day of the month, whichever that is. */
  lastDay: boolean;
  /** Both days are restricted: one of them is enough. */
  eitherDay: boolean;
  /** Neither `*` nor a step in minutes or hours: certain times of the local clock, which run once a day whatever the clock does. */
  fixed: boolean;
}

interface Field {
  name: string;
  low: number;
  high: number;
  names?: readonly string[];
  /** Of the first name. */
  from?: number;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const SECOND: Field = { name: 'second', low: 0, high: 59 };
const MINUTE: Field = { name: 'minute', low: 0, high: 59 };
const HOUR: Field = { name: 'hour', low: 0, high: 23 };
const DAY: Field = { name: 'day of month', low: 1, high: 31 };
const MONTH: Field = { name: 'month', low: 1, high: 12, names: MONTHS, from: 1 };
/** 7 is Sunday as well as 0. */
const WEEKDAY: Field = { name: 'day of week', low: 0, high: 7, names: WEEKDAYS, from: 0 };

const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Throws VALIDATION_FAILED `cron_invalid`, which names the field. */
export function parseCron(text: string, pointer: string): Cron {
  const trimmed = text.trim();
  const known = trimmed.startsWith('@') ? WORDS[trimmed.toLowerCase()] : trimmed;
  if (known === undefined) refuse(pointer, `"${trimmed}" is none of ${Object.keys(WORDS).join(', ')}`);
  const parts = known.split(/\s+/).filter(part => part !== '');
  if (parts.length < 5 || parts.length > 6)
    refuse(
      pointer,
      `expected 5 fields (minute, hour, day of month, month, day of week) or 6 with seconds first, not ${parts.length}`,
    );
  const [second, minute, hour, day, month, weekday] = (parts.length === 6 ? parts : ['0', ...parts]) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const read = (field: Field, part: string): number[] => numbersOf(field, part, pointer);
  const lastDay = /(^|,)L(,|$)/i.test(day);
  const others = day.split(',').filter(each => each.toUpperCase() !== 'L');
  return {
    seconds: read(SECOND, second),
    minutes: read(MINUTE, minute),
    hours: read(HOUR, hour),
    days: others.length > 0 || !lastDay ? read(DAY, others.join(',')) : [],
    months: read(MONTH, month),
    weekdays: [...new Set(read(WEEKDAY, weekday).map(each => each % 7))].sort((a, b) => a - b),
    lastDay,
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
    fixed: !/[*/]/.test(minute + hour),
  };
}

function numbersOf(field: Field, part: string, pointer: string): number[] {
  const numbers = new Set<number>();
  for (const item of part.split(',')) for (const value of itemOf(field, item, pointer)) numbers.add(value);
  return [...numbers].sort((a, b) => a - b);
}

/** `*`, `5`, `1-5`, and each with `/step`; `5/10` goes on to the end, as `5-59/10`. */
function itemOf(field: Field, item: string, pointer: string): number[] {
  const [, whole, first = '', last, stepText] = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,3}))?$/.exec(item) ?? [];
  if (whole === undefined && first === '') bad(field, item, pointer);
  const step = stepText === undefined ? 1 : Number(stepText);
  if (step < 1) bad(field, item, pointer, 'a step is at least 1');
  const low = whole === undefined ? valueOf(field, first, item, pointer) : field.low;
  const open = whole !== undefined || (last === undefined && stepText !== undefined);
  let high = open ? lastOf(field) : last === undefined ? low : valueOf(field, last, item, pointer);
  if (field === WEEKDAY && high === 0 && low > 0) high = 7; // FRI-SUN
  if (low > high) bad(field, item, pointer, `${low} comes after ${high}: give two ranges with a comma between them`);
  const values: number[] = [];
  for (let value = low; value <= high; value += step) values.push(value);
  return values;
}

function lastOf(field: Field): number {
  return field === WEEKDAY ? 6 : field.high;
}

function valueOf(field: Field, text: string, item: string, pointer: string): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  const value = named >= 0 ? named + (field.from ?? 0) : /^\d{1,2}$/.test(text) ? Number(text) : NaN;
  if (!(value >= field.low && value <= field.high)) bad(field, item, pointer);
  return value;
}

function bad(field: Field, item: string, pointer: string, why?: string): never {
  const names = field.names ? ` or ${field.names[0]} to ${field.names.at(-1)}` : '';
  const range = `${field.low} to ${field.high}${names}${field === DAY ? ', or L for the last one' : ''}`;
  refuse(
    pointer,
    `${field.name} "${item}": ${why ?? `expected *, a value, a range a-b, or one of them with /step, of ${range}`}`,
  );
}

function refuse(pointer: string, detail: string): never {
  throw invalid(pointer, detail, 'cron_invalid');
}
