import type { Json, JsonObject } from '../core/json.js';
import { MAX_RESOURCES } from '../core/reservation.js';

export const QUEUE_NAME = '^[A-Za-z0-9_.-]{1,64}$';
/** More starts than this are no retry policy any more; each also takes a fence number. */
export const MAX_ATTEMPTS = 1_000;
const MAX_TAGS = 32;

export interface SubmitBody {
  name: string;
  args?: Json[];
  kwargs?: JsonObject;
  exclusive?: string[];
  shared?: string[];
  queue?: string;
  priority?: number;
  eta?: string;
  countdown?: number | string;
  expires?: number | string;
  maxAttempts?: number;
  onWorkerLoss?: 'cancel' | 'requeue';
  tags?: string[];
}

const resources = (description: string): object => ({
  type: 'array',
  items: { type: 'string' },
  maxItems: MAX_RESOURCES,
  description,
});
const secondsOrTime = (description: string): object => ({ type: ['number', 'string'], minimum: 0, maxLength: 64, description });

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
    exclusive: resources('Resources that no other task may use meanwhile.'),
    shared: resources('Resources that other tasks may share meanwhile.'),
    queue: { type: 'string', pattern: QUEUE_NAME },
    priority: { type: 'integer', minimum: 0, maximum: 9, description: 'Higher starts first; 4 unless given.' },
    eta: { type: 'string', format: 'date-time', description: 'Not before this time.' },
    countdown: secondsOrTime('Not before: seconds from now, an ISO 8601 duration, or a time.'),
    expires: secondsOrTime('Never starts after: seconds from now, an ISO 8601 duration, or a time.'),
    maxAttempts: { type: 'integer', minimum: 1, maximum: MAX_ATTEMPTS, description: '1 unless given; 3 with requeue.' },
    onWorkerLoss: { type: 'string', enum: ['cancel', 'requeue'], description: 'When its worker is lost.' },
    tags: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 100 }, maxItems: MAX_TAGS },
  } satisfies Record<keyof SubmitBody, object>,
} as const;
