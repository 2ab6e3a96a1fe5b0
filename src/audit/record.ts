import { FINAL_STATES, STATES, WAITING_FOR } from '../core/state.js';
import type { Task } from '../core/task.js';

/** What of a record tells its history. */
export type AuditedTask = Pick<
  Task,
  | 'id'
  | 'seq'
  | 'queue'
  | 'exclusive'
  | 'shared'
  | 'state'
  | 'waitingFor'
  | 'grant'
  | 'attempt'
  | 'maxAttempts'
  | 'onWorkerLoss'
  | 'run'
  | 'attempts'
  | 'cancel'
  | 'dueAt'
  | 'expiresAt'
  | 'error'
  | 'schedule'
  | 'idempotency'
  | 'createdAt'
  | 'readyAt'
  | 'startedAt'
  | 'finishedAt'
  | 'reason'
>;

/** Undefined: as it should be. Else where it is wrong and how, as `grant.fence is missing`. */
type Check = (value: unknown, at: string) => string | undefined;

const text = is('a text', value => typeof value === 'string' && value !== '');
const whole = is('a whole number from 0', value => Number.isSafeInteger(value) && (value as number) >= 0);
const positive = is('a whole number from 1', value => Number.isSafeInteger(value) && (value as number) >= 1);
const time = is('a time', value => value instanceof Date && !Number.isNaN(value.getTime()));

const ATTEMPT = shape(
  { n: positive, worker: text, incarnation: text, token: text, startedAt: time, finishedAt: time, reason: text },
  { grant: shape({ fence: positive, epoch: positive }) },
);

const RECORD = shape(
  {
    id: text,
    seq: positive,
    queue: text,
    exclusive: listOf(text),
    shared: listOf(text),
    state: oneOf(STATES),
    attempt: whole,
    maxAttempts: positive,
    onWorkerLoss: oneOf(['cancel', 'requeue']),
    attempts: listOf(ATTEMPT),
    createdAt: time,
  },
  {
    waitingFor: oneOf(WAITING_FOR),
    grant: shape({ fence: positive, epoch: positive, at: time }, { worker: text }),
    run: shape({ worker: text, incarnation: text, token: text, at: time }),
    cancel: shape({ at: time, by: text, reason: text }),
    error: shape({ code: text }),
    schedule: shape({ id: text, slot: time }),
    idempotency: shape({ principal: text, key: text }),
    dueAt: time,
    expiresAt: time,
    readyAt: time,
    startedAt: time,
    finishedAt: time,
    reason: text,
  },
);

/** What of a record cannot even be read, or undefined. Nothing else is to be believed of a damaged one. */
export function damageOf(record: unknown): string | undefined {
  const { damaged } = (record ?? {}) as { damaged?: unknown };
  if (typeof damaged === 'string') return damaged; // a store has judged it already, and given what it could read
  return RECORD(record, 'the record');
}

/** What a damaged record may hold: every name that can be read in it, unless it is final beyond a doubt. */
export function mayHold(record: unknown): string[] {
  const { state, exclusive, shared } = (record ?? {}) as { state?: unknown; exclusive?: unknown; shared?: unknown };
  if (FINAL_STATES.some(final => final === state)) return [];
  return [exclusive, shared].flatMap(names => (Array.isArray(names) ? names.filter(name => typeof name === 'string') : []));
}

/** What to call a record, whatever is left of it. */
export function idOf(record: unknown): string {
  const id = typeof record === 'object' && record !== null && 'id' in record ? record.id : undefined;
  return typeof id === 'string' ? id : shown(id);
}

function is(expected: string, holds: (value: unknown) => boolean): Check {
  return (value, at) => {
    if (value === undefined) return `${at} is missing`;
    return holds(value) ? undefined : `${at} is ${shown(value)}, not ${expected}`;
  };
}

function oneOf(words: readonly string[]): Check {
  return is(`one of ${words.join(', ')}`, value => words.includes(value as string));
}

function listOf(check: Check): Check {
  return (value, at) => {
    if (value === undefined) return `${at} is missing`;
    if (!Array.isArray(value)) return `${at} is ${shown(value)}, not a list`;
    return firstOf(value, (item, index) => check(item, `${at}[${index}]`));
  };
}

function shape(required: Record<string, Check>, optional: Record<string, Check> = {}): Check {
  const needed = Object.entries(required);
  const possible = Object.entries(optional);
  return (value, at) => {
    if (value === undefined) return `${at} is missing`;
    if (typeof value !== 'object' || value === null) return `${at} is ${shown(value)}, not a record`;
    const fields = value as Record<string, unknown>;
    const inside = (name: string): string => (at === 'the record' ? name : `${at}.${name}`);
    return (
      firstOf(needed, ([name, check]) => check(fields[name], inside(name))) ??
      firstOf(possible, ([name, check]) => (fields[name] === undefined ? undefined : check(fields[name], inside(name))))
    );
  };
}

function firstOf<T>(items: readonly T[], check: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of items.entries()) {
    const problem = check(item, index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function shown(value: unknown): string {
  const json = value instanceof Date ? 'an invalid date' : (JSON.stringify(value) as string | undefined);
  return (json ?? typeof value).slice(0, 60);
}
