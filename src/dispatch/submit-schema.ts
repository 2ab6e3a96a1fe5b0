import { MAX_UNITS } from '../core/canonical-resources.js';
import { QUEUE_NAME } from '../core/names.js';
import { MAX_RESOURCES } from '../core/reservation.js';
import type { ConcurrencyWish, RetryWish, SubmitBody, UniqueWish } from '../core/submit-body.js';

/** No control characters, and none that turn the direction of text: such names look like others, or do something to a terminal. */
export const VISIBLE = String.raw`^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$`;
/** More starts than this are no retry policy any more; each also takes a fence number. */
export const MAX_ATTEMPTS = 1_000;
export const MAX_TAGS = 32;

const resources = (description: string): object => ({
  type: 'array',
  items: { type: 'string' },
  maxItems: MAX_RESOURCES,
  description,
});
/** Seconds; as text a duration, or where it may be one a time: these are read, and told apart, later. */
const seconds = (description: string): object => ({ type: ['number', 'string'], minimum: 0, maxLength: 64, description });
/** No time at all would end each body at once. */
const limit = (description: string): object => ({
  type: ['number', 'string'],
  exclusiveMinimum: 0,
  maxLength: 64,
  description,
});

const RETRY = {
  type: 'object',
  additionalProperties: false,
  description: 'When a body that failed is started again, up to maxAttempts starts in all.',
  properties: {
    delay: seconds('Before the second start: seconds, or an ISO 8601 duration; 1 unless given.'),
    backoff: {
      type: 'string',
      enum: ['fixed', 'exponential'],
      description: 'exponential (each delay twice the last) unless given.',
    },
    maxDelay: seconds('The longest delay; 600 unless given.'),
    jitter: { type: 'boolean', description: 'Between half of the delay and all of it; true unless given.' },
    holdWhileRetrying: { type: 'boolean', description: 'It keeps its resources meanwhile; false unless given.' },
  } satisfies Record<keyof RetryWish, object>,
} as const;

const UNIQUE = {
  type: 'object',
  additionalProperties: false,
  required: ['key'],
  description: 'At most one task with this key at a time.',
  properties: {
    key: { type: 'string', minLength: 1, maxLength: 255, pattern: VISIBLE },
    while: { type: 'string', enum: ['waiting', 'open'], description: 'Until it starts, or until it ends; open unless given.' },
    onConflict: {
      type: 'string',
      enum: ['return', 'reject'],
      description: 'Of a second one: answer with the first (unless given), or 409.',
    },
  } satisfies Record<keyof UniqueWish, object>,
} as const;

/** So many may hold one limit: the grants of each are checked against all of them. */
const MAX_CONCURRENCY = 10_000;
const CONCURRENCY = {
  type: 'object',
  additionalProperties: false,
  required: ['key', 'max'],
  description: 'At most `max` tasks with this key at a time; the newest number in line says how many.',
  properties: {
    key: { type: 'string', minLength: 1, maxLength: 200 },
    max: { type: 'integer', minimum: 1, maximum: MAX_CONCURRENCY },
  } satisfies Record<keyof ConcurrencyWish, object>,
} as const;

const COUNTED = {
  type: 'object',
  maxProperties: MAX_RESOURCES,
  additionalProperties: { type: 'integer', minimum: 1, maximum: MAX_UNITS },
  description: 'Units of resources whose capacity is declared (PUT /resources/{name}).',
} as const;

/**
 * The submit body as it is served: this very schema checks it and stands in the OpenAPI document. Written out, as workers check what their
 * tasks spawn: the library that builds the schemas of the API would take 20 MiB of each.
 */
export const SUBMIT_BODY = {
  $id: 'SubmitBody',
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200, description: 'A task type (GET /task-types).' },
    args: { type: 'array', description: 'Positional arguments of a plain function.' },
    kwargs: { type: 'object', description: 'The input of a defined task; keyword arguments.' },
    exclusive: resources('Resources that no other task may use meanwhile. A name that ends in `/**` is all beneath it.'),
    shared: resources('Resources that other tasks may share meanwhile.'),
    counted: COUNTED,
    queue: { type: 'string', pattern: QUEUE_NAME.source },
    priority: { type: 'integer', minimum: 0, maximum: 9, description: 'Higher starts first; 4 unless given.' },
    eta: { type: 'string', format: 'date-time', description: 'Not before this time.' },
    countdown: seconds('Not before: seconds from now, an ISO 8601 duration, or a time.'),
    expires: seconds('Never starts after: seconds from now, an ISO 8601 duration, or a time.'),
    parent: { type: 'string', minLength: 1, maxLength: 64, description: 'Id of the task on whose behalf it is submitted.' },
    group: { type: 'string', minLength: 1, maxLength: 64, description: 'Id of the group that it belongs to.' },
    maxAttempts: { type: 'integer', minimum: 1, maximum: MAX_ATTEMPTS, description: '1 unless given; 3 with requeue or retry.' },
    retry: RETRY,
    onWorkerLoss: { type: 'string', enum: ['cancel', 'requeue'], description: 'When its worker is lost.' },
    softTimeLimit: limit('The body is asked to end after this long.'),
    timeLimit: limit('The body is killed after this long.'),
    stallAfter: limit('The body is killed when it has not reported progress for this long.'),
    unique: UNIQUE,
    rateLimit: {
      type: 'string',
      maxLength: 32,
      description: 'Starts per time, as 10/s, 100/m or 5/10s, of all tasks with this rateKey.',
    },
    rateKey: {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      pattern: VISIBLE,
      description: 'What is limited together; the type unless given.',
    },
    concurrency: CONCURRENCY,
    tags: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 100, pattern: VISIBLE }, maxItems: MAX_TAGS },
  } satisfies Record<keyof SubmitBody, object>,
} as const;
