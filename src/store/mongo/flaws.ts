import { JOINS } from '../../core/join.js';
import type { Counted } from '../../core/reservation.js';
import type { Rule } from '../../core/schedule-rule.js';
import { isFinal, STATES, WAITING_FOR, type State } from '../../core/state.js';

/** A record as it came from the database, of which nothing is believed yet. */
export type Raw = Record<string, unknown>;

interface Check {
  holds: (value: unknown) => boolean;
  expected: string;
  optional?: true;
}

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isDate = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime());
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isPositive = (value: unknown): boolean => isCount(value) && value !== 0;
const isRecord = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (part: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(part);
const shaped =
  (parts: Record<string, (value: unknown) => boolean>) =>
  (value: unknown): boolean =>
    isRecord(value) && Object.entries(parts).every(([name, holds]) => holds(value[name]));
const orAbsent = (holds: (value: unknown) => boolean) => (value: unknown) => value === undefined || holds(value);
const orNull = (holds: (value: unknown) => boolean) => (value: unknown) => value === null || holds(value);

const text: Check = { holds: isText, expected: 'text' };
const texts: Check = { holds: listOf(isText), expected: 'a list of texts' };
const date: Check = { holds: isDate, expected: 'a date' };
const count: Check = { holds: isCount, expected: 'a number from 0' };
const positive: Check = { holds: isPositive, expected: 'a number from 1' };
const optional = (rule: Check): Check => ({ ...rule, optional: true });
const oneOf = (values: readonly string[]): Check => ({
  holds: value => values.includes(value as string),
  expected: `one of ${values.join(', ')}`,
});

export const isRun = shaped({ worker: isText, incarnation: isText, token: isText, at: isDate });
export const isGrant = shaped({ fence: isPositive, epoch: isCount, at: isDate, worker: orAbsent(isText) });
const isExit = shaped({ code: orNull(isCount), signal: orNull(isText) });
export const isAttempt = shaped({
  ...{ n: isCount, worker: isText, token: isText, startedAt: isDate, finishedAt: isDate, reason: isText },
  exit: orAbsent(isExit),
  error: orAbsent(shaped({ code: isText, message: isText })),
  superseded: orAbsent(shaped({ kind: isText, at: isDate, result: orAbsent(isText) })),
});
export const isCounted = shaped({ name: isText, units: isPositive, capacity: orAbsent(isPositive) });
/** An empty one would need a grant, and no index would show it. */
const isCountedList = (value: unknown): boolean => listOf(isCounted)(value) && (value as unknown[]).length > 0;
const isRetry = shaped({
  ...{ delayMs: isCount, backoff: isText, maxDelayMs: isCount },
  ...{ jitter: (value: unknown) => typeof value === 'boolean', hold: (value: unknown) => typeof value === 'boolean' },
});
const isLimits = shaped({ softMs: orAbsent(isPositive), hardMs: orAbsent(isPositive), stallMs: orAbsent(isPositive) });
export const isReport = shaped({
  ...{ code: isText, message: isText, done: Number.isFinite, total: orNull(Number.isFinite) },
  ...{ suffix: orNull(isText), state: isText },
});

const RULES = {
  interval: shaped({ intervalMs: isPositive, anchor: isDate }),
  cron: shaped({ cron: isText, timezone: isText }),
  iso8601: shaped({ start: isDate, months: isCount, ms: isCount, count: orAbsent(isCount) }),
};

/** Whether its slots can be looked for: one that goes back in time would be followed to the first of all dates. */
export function isRule(value: unknown): value is Rule {
  if (!isRecord(value) || !isText(value.kind) || !Object.hasOwn(RULES, value.kind)) return false;
  const kind = value.kind as keyof typeof RULES;
  return RULES[kind](value) && (kind !== 'iso8601' || value.months !== 0 || value.ms !== 0);
}

/** What every reader of lines relies on. */
export const LINE_RULES: Readonly<Record<string, Check>> = {
  _id: text,
  seq: positive,
  name: text,
  queue: text,
  priority: { holds: Number.isFinite, expected: 'a number' },
  exclusive: texts,
  shared: texts,
  counted: optional({ holds: isCountedList, expected: 'a list of names and their units' }),
  state: oneOf(STATES),
  waitingFor: optional(oneOf(WAITING_FOR)),
  grant: optional({ holds: isGrant, expected: 'a grant' }),
  run: optional({ holds: isRun, expected: 'a run' }),
  maxAttempts: positive,
  version: optional(positive),
  rate: optional({ holds: shaped({ key: isText, count: isPositive, perMs: isPositive }), expected: 'a rate limit' }),
  createdAt: date,
  startedAt: optional(date),
  awaiting: optional(texts),
  under: optional({ holds: shaped({ task: isText, fence: isPositive }), expected: 'a lender' }),
};

/** The rest of a task. What users wrote as JSON is checked where it is parsed. */
export const TASK_RULES: Readonly<Record<string, Check>> = {
  ...LINE_RULES,
  attempt: count,
  rank: optional({ holds: Number.isFinite, expected: 'a number' }),
  onWorkerLoss: oneOf(['cancel', 'requeue']),
  attempts: { holds: listOf(isAttempt), expected: 'a list of ended starts' },
  retry: optional({ holds: isRetry, expected: 'a retry policy' }),
  unique: optional({ holds: shaped({ key: isText, while: isText, onConflict: isText }), expected: 'a unique key' }),
  timeLimits: optional({ holds: isLimits, expected: 'time limits' }),
  cancel: optional({ holds: shaped({ at: isDate, by: isText, reason: isText }), expected: 'a cancel' }),
  dueAt: optional(date),
  expiresAt: optional(date),
  error: optional({ holds: shaped({ code: isText, message: isText, traceback: orAbsent(isText) }), expected: 'an error' }),
  resultExpired: optional({ holds: value => value === true, expected: 'true' }),
  progress: { holds: listOf(isReport), expected: 'a list of progress reports' },
  createdResources: texts,
  parent: optional(text),
  root: optional(text),
  group: optional(text),
  node: optional(text),
  after: optional({ holds: listOf(shaped({ node: isText, id: isText })), expected: 'a list of tasks' }),
  join: optional(oneOf(JOINS)),
  schedule: optional({ holds: shaped({ id: isText, slot: isDate }), expected: 'a schedule and its slot' }),
  retryOf: optional(text),
  idempotency: optional({ holds: shaped({ principal: isText, key: isText, bodyHash: isText }), expected: 'a key' }),
  correlationId: text,
  tags: texts,
  readyAt: optional(date),
  finishedAt: optional(date),
  reason: optional(text),
  lends: optional({ holds: value => value === true, expected: 'true' }),
};

type Checks = readonly (readonly [name: string, rule: Check])[];
export const LINE_CHECKS: Checks = Object.entries(LINE_RULES);
export const TASK_CHECKS: Checks = Object.entries(TASK_RULES);

/** The first thing that is wrong with these fields, in words, or undefined. Costs a few µs a record. */
export function flawOf(record: Raw, checks: Checks): string | undefined {
  for (const [name, rule] of checks) {
    const value = record[name];
    if (value === undefined ? rule.optional : rule.holds(value)) continue;
    return value === undefined ? `"${name}" is missing` : `"${name}" is not ${rule.expected}`;
  }
  return contradiction(record);
}

/** Fields that are sound each for itself, but not together: started like this, a task could run without its lock. */
function contradiction({ state, waitingFor, grant, run, exclusive, shared, counted, rate }: Raw): string | undefined {
  if (isFinal(state as State)) return undefined;
  const names = [...(exclusive as string[]), ...(shared as string[])];
  for (const { name } of (counted ?? []) as Counted[]) names.push(name);
  const reserves = names.length > 0 || rate !== undefined;
  // Its second place in the line would wait for its first one, and everybody behind it.
  if (names.length > 1 && new Set(names).size < names.length) return 'it names a resource twice';
  if (state === 'waiting') {
    if (waitingFor === undefined) return '"waitingFor" is missing while it waits';
    if (run !== undefined) return 'it waits, but has a run';
    if (waitingFor === 'resources' && !reserves) return 'it waits for resources, but names none';
    if (waitingFor === 'resources' && grant !== undefined) return 'it waits for resources, but has a grant';
  } else if (run === undefined) return `it is ${state as string}, but has no run`;
  const needsGrant = reserves && (waitingFor === 'worker' || state !== 'waiting');
  return needsGrant && grant === undefined ? 'it needs a grant, but has no grant' : undefined;
}
