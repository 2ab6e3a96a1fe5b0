/**
 * Messages are hints: ids of at most 1 KiB. They wake somebody up; what is done is decided by the record alone.
 * So a hint may be lost, doubled, late or forged without harm.
 */
export type Hint =
  /** To `work.<queue>` or `worker.<name>`: this task is ready to start. */
  | { kind: 'start'; task: string }
  /** To `resource-manager`: these tasks were accepted, became ready, ended or were cancelled. */
  | { kind: 'changed'; tasks: string[] };

/** Broadcast to every process on `interlock.control`. */
export type Control =
  | { kind: 'cancel'; task: string }
  /** Something new is wanted of this worker, or of many (null): its record says what. */
  | { kind: 'wish'; worker: string | null }
  /** These children of others have ended: whoever awaits one may look. */
  | { kind: 'ended'; tasks: string[] };

/** 20 ids of 36 characters stay well below 1 KiB. */
export const IDS_PER_HINT = 20;
export const MAX_HINT_BYTES = 1_024;
const VERSION = 1;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Why a message is none of ours, for counters: too long; no JSON object in plain UTF-8; of a newer release (`version`); whatever else it says that we do not
 * know.
 */
export const MISREADINGS = ['size', 'format', 'version', 'content'] as const;
export type Misreading = (typeof MISREADINGS)[number];

/** `reason` is for people. */
export interface Misread {
  ok: false;
  why: Misreading;
  reason: string;
}
export type Decoded<T> = { ok: true; value: T } | Misread;

export function encode(message: Hint | Control): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ v: VERSION, ...message }));
}

/** Reads a hint from bytes of any origin; never throws. */
export function decodeHint(bytes: Uint8Array): Decoded<Hint> {
  const envelope = decodeEnvelope(bytes);
  if (!envelope.ok) return envelope;
  const { kind, task, tasks } = envelope.value;
  if (kind === 'start' && isId(task)) return { ok: true, value: { kind, task } };
  if (kind === 'changed' && areIds(tasks)) return { ok: true, value: { kind, tasks } };
  return misread('content', 'neither a start nor a changed hint');
}

/** Reads a control message from bytes of any origin; never throws. */
export function decodeControl(bytes: Uint8Array): Decoded<Control> {
  const envelope = decodeEnvelope(bytes);
  if (!envelope.ok) return envelope;
  const { kind, task, tasks, worker } = envelope.value;
  if (kind === 'cancel' && isId(task)) return { ok: true, value: { kind, task } };
  if (kind === 'wish' && (worker === null || typeof worker === 'string')) return { ok: true, value: { kind, worker } };
  if (kind === 'ended' && areIds(tasks)) return { ok: true, value: { kind, tasks } };
  return misread('content', 'not a known control message');
}

function decodeEnvelope(bytes: Uint8Array): Decoded<Record<string, unknown>> {
  if (bytes.length > MAX_HINT_BYTES) return misread('size', `${bytes.length} bytes, at most ${MAX_HINT_BYTES}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return misread('format', 'not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return misread('format', 'not an object');
  const envelope = parsed as Record<string, unknown>;
  if (envelope.v !== VERSION) return misreadVersion(envelope.v, VERSION);
  return { ok: true, value: envelope };
}

export function misread(why: Misreading, reason: string): Misread {
  return { ok: false, why, reason };
}

/** A newer one is what an update leaves behind that went half way; any other is no message of any release. */
export function misreadVersion(version: unknown, own: number): Misread {
  const newer = typeof version === 'number' && version > own;
  return misread(newer ? 'version' : 'content', `version ${versionIn(version)}, not ${own}`);
}

/** Of a stranger's object nothing is asked: one with a `toString` of its own would throw. */
function versionIn(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'of another type' : String(value).slice(0, 20);
}

function areIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= IDS_PER_HINT && value.every(isId);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}
