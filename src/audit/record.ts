import { JOINS } from '../core/join.js';
import { FINAL_STATES, STATES, WAITING_FOR } from '../core/state.js';
import type { Task } from '../core/task.js';

/** What of a record tells its history. */
export type AuditedTask = Pick<
  Task,
  | 'id'
  | 'name'
  | 'version'
  | 'seq'
  | 'queue'
  | 'exclusive'
  | 'shared'
  | 'counted'
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
  | 'group'
  | 'rate'
  | 'after'
  | 'join'
  | 'schedule'
  | 'idempotency'
  | 'createdAt'
  | 'readyAt'
  | 'startedAt'
  | 'finishedAt'
  | 'reason'
  | 'awaiting'
  | 'under'
>;

interface Damage {
  /** Where in the value, as `.fence` or `[2].worker`. */
  path: string;
  problem: string;
}
/** Undefined: as it should be. */
type Check = (value: unknown) => Damage | undefined;

const text = is('a text', value => typeof value === 'string' && value !== '');
const whole = is('a whole number from 0', value => Number.isSafeInteger(value) && (value as number) >= 0);
const positive = is('a whole number from 1', value => Number.isSafeInteger(value) && (value as number) >= 1);
const time = is('a time', value => value instanceof Date && !Number.isNaN(value.getTime()));

const ATTEMPT = shape(
  { n: positive, worker: text, incarnation: text, token: text, startedAt: time, finishedAt: time, reason: text },
  { grant: shape({ fence: positive, epoch: positive }, { begunAt: time }), superseded: shape({ kind: text, at: time }) },
);

const RECORD = shape(
  {
    id: text,
    name: text,
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
    version: positive,
    counted: listOf(shape({ name: text, units: positive }, { capacity: positive })),
    waitingFor: oneOf(WAITING_FOR),
    grant: shape({ fence: positive, epoch: positive, at: time }, { worker: text, begunAt: time }),
    run: shape({ worker: text, incarnation: text, token: text, at: time }),
    cancel: shape({ at: time, by: text, reason: text }),
    error: shape({ code: text }),
    group: text,
    rate: shape({ key: text, count: positive, perMs: positive }),
    after: listOf(shape({ node: text, id: text })),
    join: oneOf(JOINS),
    schedule: shape({ id: text, slot: time }),
    idempotency: shape({ principal: text, key: text }),
    dueAt: time,
    expiresAt: time,
    readyAt: time,
    startedAt: time,
    finishedAt: time,
    reason: text,
    awaiting: listOf(text),
    under: shape({ task: text, fence: positive }),
  },
);

/** What of a record cannot even be read, or undefined. Nothing else is to be believed of a damaged one. */
export function damageOf(record: unknown): string | undefined {
  const { damaged } = (record ?? {}) as { damaged?: unknown };
  if (typeof damaged === 'string') return damaged; // a store has judged it already, and given what it could read
  const damage = RECORD(record);
  return damage && `${damage.path.slice(1) || 'it'} ${damage.problem}`;
}

/** What a damaged record may hold: every name that can be read in it, unless it is final beyond a doubt. */
export function mayHold(record: unknown): string[] {
  const { state, exclusive, shared, counted } = (record ?? {}) as Record<string, unknown>;
  if (FINAL_STATES.some(final => final === state)) return [];
  const listed = [exclusive, shared, counted].flatMap(list => (Array.isArray(list) ? (list as unknown[]) : []));
  const names = listed.map(each => (typeof each === 'object' && each !== null ? (each as { name?: unknown }).name : each));
  return names.filter(name => typeof name === 'string');
}

/** What to call a record, whatever is left of it. */
export function idOf(record: unknown): string {
  const id = typeof record === 'object' && record !== null && 'id' in record ? record.id : undefined;
  return typeof id === 'string' ? id : shown(id);
}

function is(expected: string, holds: (value: unknown) => boolean): Check {
  return value => (holds(value) ? undefined : wrong(value, expected));
}

function oneOf(words: readonly string[]): Check {
  return is(`one of ${words.join(', ')}`, value => words.includes(value as string));
}

function listOf(check: Check): Check {
  return value => {
    if (!Array.isArray(value)) return wrong(value, 'a list');
    for (const [index, item] of value.entries()) {
      const damage = check(item);
      if (damage) return { ...damage, path: `[${index}]${damage.path}` };
    }
    return undefined;
  };
}

function shape(required: Record<string, Check>, optional: Record<string, Check> = {}): Check {
  const checks = [
    ...Object.entries(required).map(([name, check]) => ({ name, check, needed: true })),
    ...Object.entries(optional).map(([name, check]) => ({ name, check, needed: false })),
  ];
  return value => {
    if (typeof value !== 'object' || value === null) return wrong(value, 'a record');
    const fields = value as Record<string, unknown>;
    for (const { name, check, needed } of checks) {
      const damage = needed || fields[name] !== undefined ? check(fields[name]) : undefined;
      if (damage) return { ...damage, path: `.${name}${damage.path}` };
    }
    return undefined;
  };
}

function wrong(value: unknown, expected: string): Damage {
  return { path: '', problem: value === undefined ? 'is missing' : `is ${shown(value)}, not ${expected}` };
}

function shown(value: unknown): string {
  const json = value instanceof Date ? 'an invalid date' : (JSON.stringify(value) as string | undefined);
  return (json ?? typeof value).slice(0, 60);
}
