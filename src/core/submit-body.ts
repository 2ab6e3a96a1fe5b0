import type { Json, JsonObject } from './json.js';
import type { OnWorkerLoss } from './task.js';

/** Ten years: nobody means more, and every date below it is one. */
export const MAX_SECONDS = 315_360_000;

/** Seconds from now, an ISO 8601 duration, or an RFC 3339 time. */
export type SecondsOrTime = number | string;
/** Seconds, or an ISO 8601 duration. */
export type Seconds = number | string;

/** When a body that failed is started again. Seconds. */
export interface RetryWish {
  /** Before the second start; 1 unless given. */
  delay?: Seconds;
  /** `exponential` (each twice as long as the one before) unless given. */
  backoff?: 'fixed' | 'exponential';
  /** 600 unless given. */
  maxDelay?: Seconds;
  /** Somewhere between half of the delay and all of it; true unless given. */
  jitter?: boolean;
  /** Its resources stay with it meanwhile, instead of going to the next in line. */
  holdWhileRetrying?: boolean;
}

/** At most one task with this key at a time. */
export interface UniqueWish {
  key: string;
  /** Until it starts, or until it ends (`open`, unless given). */
  while?: 'waiting' | 'open';
  /** Of a second one: answer with the first (unless given), or refuse it. */
  onConflict?: 'return' | 'reject';
}

/** At most `max` tasks with this key at a time, from their grants to their ends, in the whole deployment. */
export interface ConcurrencyWish {
  key: string;
  max: number;
}

/** The options of a submission that a task type may preset, as JSON has them. */
export interface SubmitPresets {
  queue?: string;
  priority?: number;
  maxAttempts?: number;
  retry?: RetryWish;
  onWorkerLoss?: OnWorkerLoss;
  /** When the body is asked to end (`ctx.signal`); it may still complete. */
  softTimeLimit?: Seconds;
  /** When it is killed. */
  timeLimit?: Seconds;
  /** It is killed when it has not reported progress for so long. */
  stallAfter?: Seconds;
  unique?: UniqueWish;
  /** Starts per time, such as `10/s`, `100/m` or `5/10s`, of all tasks with its `rateKey`. */
  rateLimit?: string;
  /** The name of the type unless given. */
  rateKey?: string;
  concurrency?: ConcurrencyWish;
  tags?: readonly string[];
}

/** What is sent to submit a task: `POST /tasks`. */
export interface SubmitBody extends Omit<SubmitPresets, 'tags'> {
  tags?: string[];
  name: string;
  args?: Json[];
  kwargs?: JsonObject;
  exclusive?: string[];
  shared?: string[];
  /** Units of resources whose capacity is declared. */
  counted?: Record<string, number>;
  eta?: string;
  countdown?: SecondsOrTime;
  expires?: SecondsOrTime;
  /** Id of the task on whose behalf it is submitted. */
  parent?: string;
  /** Id of the group that it belongs to. */
  group?: string;
}

/** A resource is named by a string, or by anything that has an address. */
export type ResourceLike = string | { href: string };

/** What a caller in code may say beside the input of a task: resources by what names them, times as dates. */
export interface SubmitOptions extends SubmitPresets {
  exclusive?: readonly ResourceLike[];
  shared?: readonly ResourceLike[];
  counted?: Readonly<Record<string, number>>;
  eta?: Date | string;
  countdown?: SecondsOrTime | Date;
  expires?: SecondsOrTime | Date;
  group?: string;
}
