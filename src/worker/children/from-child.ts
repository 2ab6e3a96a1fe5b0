import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Again } from '../../core/outcome.js';
import { MAX_SECONDS } from '../../core/submit-body.js';
import type { ProgressReport, TaskError } from '../../core/task.js';

export type ChildOutcome =
  | { kind: 'completed'; result: unknown }
  | { kind: 'failed'; error: TaskError; reason?: 'timeout'; again?: Again }
  | { kind: 'skipped'; error: TaskError }
  | { kind: 'canceled' }
  /** It has no such type, or an older version: nothing was begun. */
  | { kind: 'unfamiliar' };

export interface Ended {
  kind: 'outcome';
  run: number;
  outcome: ChildOutcome;
  /** What of the body still runs in the child, by kind; if there is any, this child must not be used again. */
  leftovers?: string[];
}

const MAX_ID = 64;

type Fields = Record<string, unknown>;
/** How it ended otherwise, if it did, is not for the child to say. */
type Bar = ProgressReport & { state: 'running' | 'completed' };

/** What a child says to its supervisor. */
export type FromChild =
  | { kind: 'ready'; types: string[] }
  | { kind: 'unloadable'; message: string }
  | { kind: 'report'; run: number; progress: Bar[]; created: string[] }
  | { kind: 'log'; run: number; level: 'error' | 'warn' | 'info' | 'debug'; message: string; fields: Fields }
  /** `version`: of its type, as the child has it. */
  | { kind: 'spawn'; run: number; id: number; body: Fields; version?: number; awaited?: true; underParent?: true }
  /** It waits for this task to end; the answer may take as long as that. */
  | { kind: 'await'; run: number; id: number; task: string }
  /** It does not wait for that answer any more. */
  | { kind: 'leave'; run: number; id: number }
  | { kind: 'service'; run: number; id: number; name: string; input: Fields }
  | { kind: 'directory'; run: number; id: number }
  /** A body failed where nobody could catch it, and its child goes on. */
  | { kind: 'fault'; run: number; how: 'rejection' | 'exception'; error: TaskError }
  | Ended;

// Schemas as they are: a library that builds them takes 20 MiB of each worker.
const [text, whole, number, fields] = ['string', 'integer', 'number', 'object'].map(type => ({ type }));
const yes = { const: true };
const texts = { type: 'array', items: text };
const one = (...values: string[]): object => ({ enum: values });

function closed(properties: Record<string, object | undefined>, ...optional: string[]): object {
  const required = Object.keys(properties).filter(name => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const error = closed({ code: text, message: text, traceback: text }, 'traceback');
const again = { anyOf: [one('never'), closed({ afterMs: { type: 'number', minimum: 0, maximum: 1_000 * MAX_SECONDS } })] };
const outcome = {
  anyOf: [
    closed({ kind: one('completed'), result: {} }),
    closed({ kind: one('failed'), error, reason: one('timeout'), again }, 'reason', 'again'),
    closed({ kind: one('skipped'), error }),
    closed({ kind: one('canceled') }),
    closed({ kind: one('unfamiliar') }),
  ],
};
const report = closed({
  code: text,
  message: text,
  done: number,
  total: { type: ['number', 'null'] },
  suffix: { type: ['string', 'null'] },
  state: one('running', 'completed'),
});

const CONTENTS: Record<FromChild['kind'], object> = {
  ready: closed({ kind: {}, types: texts }),
  unloadable: closed({ kind: {}, message: text }),
  report: closed({ kind: {}, run: whole, progress: { type: 'array', items: report }, created: texts }),
  log: closed({ kind: {}, run: whole, level: one('error', 'warn', 'info', 'debug'), message: text, fields }),
  spawn: closed(
    { kind: {}, run: whole, id: whole, body: fields, version: { type: 'integer', minimum: 1 }, awaited: yes, underParent: yes },
    'version',
    'awaited',
    'underParent',
  ),
  await: closed({ kind: {}, run: whole, id: whole, task: { type: 'string', maxLength: MAX_ID } }),
  leave: closed({ kind: {}, run: whole, id: whole }),
  service: closed({ kind: {}, run: whole, id: whole, name: text, input: fields }),
  directory: closed({ kind: {}, run: whole, id: whole }),
  fault: closed({ kind: {}, run: whole, how: one('rejection', 'exception'), error }),
  outcome: closed({ kind: {}, run: whole, outcome, leftovers: texts }, 'leftovers'),
};

const ajv = new Ajv2020({ strict: false });
// One for each kind: a union would try them in turn, and note why each of the others is wrong.
const known = new Map<unknown, ValidateFunction<FromChild>>(
  Object.entries(CONTENTS).map(([kind, schema]) => [kind, ajv.compile<FromChild>(schema)]),
);

/** Undefined for anything that no child of ours would send. */
export function parseFromChild(message: unknown): FromChild | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const isOne = known.get((message as { kind?: unknown }).kind);
  return isOne?.(message) === true ? message : undefined;
}
