import type { FieldError } from '../../core/errors.js';
import type { Json } from '../../core/json.js';
import type { TaskFacts } from '../../tasks/run-context.js';

/** What a child is told of a task; its worker's name it knows. */
export type JobFacts = Omit<TaskFacts, 'worker'>;

/**
 * What the supervisor says to a child. `run` numbers the starts that this worker process has handed out; requests have numbers of the child's.
 * Times are CLOCK_MONOTONIC milliseconds.
 */
export type ToChild =
  | { kind: 'load'; modules: readonly string[]; base: string; resultLimitBytes: number }
  | { kind: 'run'; run: number; task: JobFacts; directory?: string; deadlineMs: number | null }
  | { kind: 'cancel'; run: number; reason: string }
  /** Its soft time limit has passed. */
  | { kind: 'overtime'; run: number; limitMs: number }
  | { kind: 'reply'; id: number; value: Json }
  | { kind: 'refusal'; id: number; code: string; message: string; errors: FieldError[] };

/** How long a child waits for an answer from its supervisor, and how many answers one start waits for at a time. */
export const REQUEST_DEADLINE_MS = 30_000;
export const MAX_REQUESTS = 32;
/** How many tasks one start may wait for at a time; that has no deadline. */
export const MAX_AWAITED = 1_000;
