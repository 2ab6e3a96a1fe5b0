import { CUT_FIELDS, type CutField, type TaskEvent } from './event.js';
import { misread, misreadVersion, type Decoded } from './hint.js';
import { STATES, WAITING_FOR } from './state.js';
import type { ProgressReport } from './task.js';

/** As hints: what is larger would be no message but a document. */
export const MAX_EVENT_BYTES = 1_024;
const VERSION = 1;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const REASONS: ReadonlySet<unknown> = new Set<NonNullable<TaskEvent['reason']>>([
  ...(['user', 'worker-lost', 'worker-shutdown', 'timeout', 'expired', 'restored', 'dependency-failed'] as const),
]);
/** Of a bar's message and of a name that does not fit; the rest is in the record. */
const SHORT_TEXT = 60;

/** `task.<id>.<state>`, `task.<id>.progress`. */
export function routingKey({ id, kind, state }: TaskEvent): string {
  return `task.${id}.${kind === 'progress' ? 'progress' : state}`;
}

/** At most 1 KiB: what does not fit is left out, least important first, and named in `cut`. */
export function encodeEvent(event: TaskEvent): Uint8Array {
  let left = event;
  for (;;) {
    const bytes = bytesOf({ v: VERSION, ...left });
    if (bytes.length <= MAX_EVENT_BYTES) return bytes;
    left = smaller(left, bytes.length - MAX_EVENT_BYTES);
  }
}

/** One step at a time; ends, as what is left then is short by itself. */
function smaller(event: TaskEvent, tooMany: number): TaskEvent {
  const cut = (field: CutField): { cut: CutField[] } => ({ cut: [...new Set([...(event.cut ?? []), field])] });
  const { progress = [], tags } = event;
  if (progress.some(({ message }) => isLong(message)))
    return { ...event, progress: progress.map(each => ({ ...each, message: shortened(each.message) })), ...cut('progress') };
  if (tags.length > 0) return { ...event, tags: tags.slice(0, fewer(tags.toReversed(), tooMany)), ...cut('tags') };
  if (progress.length > 0) return { ...event, progress: lastOf(progress, fewer(progress, tooMany)), ...cut('progress') };
  if (isLong(event.name)) return { ...event, name: shortened(event.name), ...cut('name') };
  if (event.correlationId !== '') return { ...event, correlationId: '', ...cut('correlationId') };
  const { group, parent, ...rest } = event;
  if (parent !== undefined) return { ...rest, ...(group !== undefined && { group }), ...cut('parent') };
  if (group !== undefined) return { ...rest, ...cut('group') };
  throw new Error(`An event of task ${event.id} cannot be made small enough.`);
}

/** How many are left when enough of the first ones are gone to save these bytes; one at least goes. */
function fewer(items: readonly unknown[], tooMany: number): number {
  let [gone, saved] = [0, 0];
  while (gone < items.length && (gone === 0 || saved < tooMany)) saved += bytesOf(items[gone++]).length + 1;
  return items.length - gone;
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function lastOf<T>(items: readonly T[], count: number): T[] {
  return items.slice(items.length - count);
}

function isLong(text: string): boolean {
  return text.length > SHORT_TEXT;
}

/** Without half of a code point at its end. */
function shortened(text: string): string {
  return isLong(text) ? `${text.slice(0, SHORT_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : text;
}

/** Reads an event from bytes of any origin; never throws. */
export function decodeEvent(bytes: Uint8Array): Decoded<TaskEvent> {
  if (bytes.length > MAX_EVENT_BYTES) return misread('size', `${bytes.length} bytes, at most ${MAX_EVENT_BYTES}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return misread('format', 'not JSON');
  }
  const { v, at, ...rest } = (parsed ?? {}) as Record<string, unknown>;
  if (v !== VERSION) return misreadVersion(v, VERSION);
  const time = new Date(typeof at === 'string' ? at : NaN);
  const wrong = Object.keys({ ...REQUIRED, ...rest }).find(field => !isField(field, rest[field]));
  if (wrong !== undefined || Number.isNaN(time.getTime()))
    return misread('content', `${(wrong ?? 'at').slice(0, 40)} is no field of an event`);
  return { ok: true, value: { ...(rest as Omit<TaskEvent, 'at'>), at: time } };
}

type Check = (value: unknown) => boolean;
const isText: Check = value => typeof value === 'string';
/** Also 1e400 is a number in JSON, and null when it is told on. */
const isNumber: Check = value => Number.isFinite(value);
const isNullOr =
  (check: Check): Check =>
  value =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  value =>
    Array.isArray(value) && value.every(check);
const oneOf =
  (values: readonly unknown[]): Check =>
  value =>
    values.includes(value);

const REPORT: Record<keyof ProgressReport, Check> = {
  code: isText,
  message: isText,
  done: isNumber,
  total: isNullOr(isNumber),
  suffix: isNullOr(isText),
  state: oneOf(['running', 'completed', 'failed', 'canceled']),
};
const isReport: Check = value =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(REPORT).every(([field, check]) => check((value as Record<string, unknown>)[field]));

const REQUIRED: Record<string, Check> = {
  kind: oneOf(['task', 'progress']),
  id: value => typeof value === 'string' && UUID.test(value),
  name: isText,
  state: oneOf(STATES),
  attempt: value => Number.isSafeInteger(value),
  queue: isText,
  tags: listOf(isText),
  correlationId: isText,
};
const OPTIONAL: Record<string, Check> = {
  waitingFor: oneOf(WAITING_FOR),
  reason: value => REASONS.has(value),
  worker: isText,
  group: isText,
  parent: isText,
  progress: listOf(isReport),
  cut: listOf(oneOf(CUT_FIELDS)),
};

function isField(field: string, value: unknown): boolean {
  if (Object.hasOwn(REQUIRED, field)) return REQUIRED[field]?.(value) === true;
  return Object.hasOwn(OPTIONAL, field) && OPTIONAL[field]?.(value) === true;
}
