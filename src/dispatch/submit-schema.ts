import { Type, type Static } from 'typebox';

import type { Json, JsonObject } from '../core/json.js';
import { MAX_RESOURCES } from '../core/reservation.js';

export const QUEUE_NAME = '^[A-Za-z0-9_.-]{1,64}$';
/** More starts than this are no retry policy any more; each also takes a fence number. */
export const MAX_ATTEMPTS = 1_000;
const MAX_TAGS = 32;

const resources = (description: string) => Type.Array(Type.String(), { maxItems: MAX_RESOURCES, description });
const secondsOrTime = (description: string) =>
  Type.Unsafe<number | string>({ type: ['number', 'string'], minimum: 0, maxLength: 64, description });

/** The submit body as it is served: this very schema checks it and stands in the OpenAPI document. */
export const SubmitBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200, description: 'A task type (GET /task-types).' }),
    args: Type.Optional(Type.Unsafe<Json[]>({ type: 'array', description: 'Positional arguments of a plain function.' })),
    kwargs: Type.Optional(
      Type.Unsafe<JsonObject>({ type: 'object', description: 'The input of a defined task; keyword arguments.' }),
    ),
    exclusive: Type.Optional(resources('Resources that no other task may use meanwhile.')),
    shared: Type.Optional(resources('Resources that other tasks may share meanwhile.')),
    queue: Type.Optional(Type.String({ pattern: QUEUE_NAME })),
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 9, description: 'Higher starts first; 4 unless given.' })),
    eta: Type.Optional(Type.String({ format: 'date-time', description: 'Not before this time.' })),
    countdown: Type.Optional(secondsOrTime('Not before: seconds from now, an ISO 8601 duration, or a time.')),
    expires: Type.Optional(secondsOrTime('Never starts after: seconds from now, an ISO 8601 duration, or a time.')),
    maxAttempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_ATTEMPTS, description: '1 unless given; 3 with requeue.' }),
    ),
    onWorkerLoss: Type.Optional(
      Type.Unsafe<'cancel' | 'requeue'>({ type: 'string', enum: ['cancel', 'requeue'], description: 'When its worker is lost.' }),
    ),
    tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: MAX_TAGS })),
  },
  { $id: 'SubmitBody', additionalProperties: false },
);
export type SubmitBody = Static<typeof SubmitBody>;
