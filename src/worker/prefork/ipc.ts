import type { FieldError } from '../../core/errors.js';
import type { Json } from '../../core/json.js';
import type { TaskFacts } from '../../tasks/run-context.js';

/** What the supervisor says to a child. Durations and times are CLOCK_MONOTONIC milliseconds. */
export type ToChild =
  | { kind: 'load'; modules: readonly string[]; base: string; resultLimitBytes: number }
  | { kind: 'run'; task: TaskFacts; directory: string; deadlineMs: number | null }
  | { kind: 'cancel'; reason: string }
  | { kind: 'reply'; id: number; value: Json }
  | { kind: 'refusal'; id: number; code: string; message: string; errors: FieldError[] };

/** How long a child waits for an answer from its supervisor, and how many answers it waits for at a time. */
export const REQUEST_DEADLINE_MS = 30_000;
export const MAX_REQUESTS = 32;
