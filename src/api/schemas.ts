import { Type, type Static, type TSchema } from 'typebox';

import type { Json, JsonObject } from '../core/json.js';
import { JOINS } from '../core/join.js';
import { STATES, WAITING_FOR, type State, type WaitingFor } from '../core/state.js';
import { ERROR_STATUS, type ErrorCode } from '../core/errors.js';
import type { Mode } from '../core/reservation.js';
import type { SubmitBody } from '../core/submit-body.js';
import type { EndReason } from '../core/task.js';
import { SUBMIT_BODY } from '../dispatch/submit-schema.js';

/** Stands in the OpenAPI document once, under its `$id`, and is referred to from everywhere. */
export function ref<T extends TSchema>(schema: T): ReturnType<typeof Type.Unsafe<Static<T>>> {
  return Type.Unsafe<Static<T>>({ $ref: `${(schema as { $id?: string }).$id ?? ''}#` });
}

export const Time = Type.String({ format: 'date-time' });
export const orNull = <T extends TSchema>(schema: T): ReturnType<typeof Type.Union<[T, ReturnType<typeof Type.Null>]>> =>
  Type.Union([schema, Type.Null()]);
const oneOf = <T extends string>(values: readonly T[]) => Type.Unsafe<T>({ type: 'string', enum: [...values] });
const anyJson = Type.Unsafe<Json>({ description: 'Any JSON.' });
const anyObject = Type.Unsafe<JsonObject>({ type: 'object', additionalProperties: true });
const names = Type.Array(Type.String());
const closed = { additionalProperties: false } as const;

const END_REASONS: readonly EndReason[] = [
  'user',
  'worker-lost',
  'worker-shutdown',
  'timeout',
  'expired',
  'restored',
  'dependency-failed',
];

const seconds = Type.Number({ description: 'Seconds.' });
const Retry = Type.Object(
  {
    delay: seconds,
    backoff: oneOf(['fixed', 'exponential']),
    maxDelay: seconds,
    jitter: Type.Boolean(),
    holdWhileRetrying: Type.Boolean(),
  },
  closed,
);
const Unique = Type.Object(
  { key: Type.String(), while: oneOf(['waiting', 'open']), onConflict: oneOf(['return', 'reject']) },
  closed,
);
const Exit = Type.Object({ code: orNull(Type.Integer()), signal: orNull(Type.String()) }, closed);
const Superseded = Type.Object(
  {
    kind: oneOf(['completed', 'failed', 'skipped']),
    at: Time,
    result: anyJson,
    resultBytes: orNull(Type.Integer({ description: 'Of JSON; above 4,096 the result itself is not kept.' })),
    error: orNull(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
  },
  { ...closed, description: 'What its body came to after somebody else had ended this start; it counts for nothing.' },
);
const AttemptOfTask = Type.Object(
  {
    n: Type.Integer(),
    worker: Type.String(),
    startedAt: Time,
    finishedAt: Time,
    duration: seconds,
    reason: Type.String(),
    error: orNull(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
    exit: orNull(Exit),
    superseded: orNull(Superseded),
  },
  closed,
);
const Progress = Type.Object(
  {
    code: Type.String(),
    message: Type.String(),
    total: orNull(Type.Number()),
    done: Type.Number(),
    suffix: orNull(Type.String()),
    state: oneOf(['running', 'completed', 'failed', 'canceled']),
  },
  closed,
);

export const TaskSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    href: Type.String(),
    name: Type.String(),
    version: orNull(Type.Integer({ description: 'Of its type, as it was when the task was accepted.' })),
    args: Type.Array(anyJson),
    kwargs: anyObject,
    exclusive: names,
    shared: names,
    counted: Type.Unsafe<Record<string, number>>({
      type: 'object',
      additionalProperties: { type: 'integer' },
      description: 'Units by name.',
    }),
    queue: Type.String(),
    priority: Type.Integer(),
    state: oneOf<State>(STATES),
    waitingFor: orNull(oneOf<WaitingFor>(WAITING_FOR)),
    dueAt: orNull(Type.String({ format: 'date-time', description: 'When a delay or a retry ends.' })),
    expiresAt: orNull(Time),
    attempt: Type.Integer(),
    maxAttempts: Type.Integer(),
    retry: orNull(Retry),
    softTimeLimit: orNull(seconds),
    timeLimit: orNull(seconds),
    stallAfter: orNull(seconds),
    worker: orNull(Type.String()),
    createdAt: Time,
    readyAt: orNull(Time),
    startedAt: orNull(Time),
    finishedAt: orNull(Time),
    result: anyJson,
    error: orNull(Type.Object({ code: Type.String(), message: Type.String(), traceback: orNull(Type.String()) }, closed)),
    reason: orNull(oneOf(END_REASONS)),
    progress: Type.Array(Progress),
    createdResources: names,
    parent: orNull(Type.String()),
    root: orNull(Type.String()),
    under: orNull(Type.String({ description: 'The task under whose reservation it runs.' })),
    awaiting: orNull(Type.Array(Type.String(), { description: 'Tasks that its body waits for; it has no slot meanwhile.' })),
    group: orNull(Type.String()),
    node: orNull(Type.String({ description: 'Its name in its workflow.' })),
    after: orNull(Type.Array(Type.Object({ node: Type.String(), id: Type.String() }, closed))),
    join: orNull(oneOf(JOINS)),
    unique: orNull(Unique),
    rateLimit: orNull(Type.String({ description: 'Starts per time, as 10/s, of all tasks with its rateKey.' })),
    rateKey: orNull(Type.String()),
    concurrency: orNull(Type.Object({ key: Type.String(), max: Type.Integer() }, closed)),
    schedule: orNull(Type.Object({ id: Type.String(), slot: Time }, closed)),
    retryOf: orNull(Type.String()),
    correlationId: Type.String(),
    tags: names,
    attempts: Type.Array(AttemptOfTask, { description: 'Starts that have ended.' }),
    resultExpired: Type.Boolean({ description: 'It had a result, which was dropped when it was old.' }),
  },
  { $id: 'Task', ...closed },
);

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: oneOf(Object.keys(ERROR_STATUS) as ErrorCode[]),
    instance: Type.String({ description: 'The request id, as in X-Request-ID.' }),
    errors: Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String(), reason: Type.Optional(Type.String()) })),
  },
  { $id: 'Problem' },
);

const Holder = Type.Object(
  { task: Type.String(), worker: orNull(Type.String()), since: Time, lender: orNull(Type.String()) },
  closed,
);
export const StandingSchema = Type.Object(
  {
    name: Type.String(),
    mode: oneOf<Mode>(['exclusive', 'shared', 'counted']),
    units: orNull(Type.Integer({ description: 'Of a counted one: how many it asks for …' })),
    capacity: orNull(Type.Integer({ description: '… of how many; 0: nobody has declared it …' })),
    held: orNull(Type.Integer({ description: '… of which so many are held.' })),
    holders: Type.Array(Holder),
    ahead: Type.Array(Type.String(), { description: 'Ids of the tasks in line before it; the first 1,000.' }),
    position: orNull(Type.Integer({ description: '1 = next; null when it is not in line.' })),
  },
  { $id: 'Standing', ...closed },
);

export const TurnSchema = Type.Object(
  {
    key: Type.String(),
    limit: Type.String({ description: 'As 10/s: that of the newest task of the key.' }),
    position: orNull(Type.Integer({ description: '1 = next; null when it is not in line.' })),
    expectedAt: orNull(Type.String({ format: 'date-time', description: 'When its turn is expected.' })),
  },
  { $id: 'Turn', ...closed },
);

export const ExplanationSchema = Type.Object(
  {
    state: oneOf<State>(STATES),
    waitingFor: orNull(oneOf<WaitingFor>(WAITING_FOR)),
    resources: Type.Array(ref(StandingSchema)),
    rate: orNull(ref(TurnSchema)),
    workers: Type.Object({ live: Type.Integer(), free: Type.Integer(), suitable: Type.Integer() }, closed),
    text: Type.String({ description: 'The same for people.' }),
  },
  { $id: 'Explanation', ...closed },
);

/** An answer without a body. */
export const nothing = (description: string): ReturnType<typeof Type.Unsafe<undefined>> =>
  Type.Unsafe<undefined>({ type: 'null', description });

/** Lists that never need a second page still look like pages. */
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- its type is the schema itself, written once
export const listOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: orNull(Type.String()), prev: orNull(Type.String()) }, closed);

export function wholeList<T>(items: T[]): { items: T[]; next: null; prev: null } {
  return { items, next: null, prev: null };
}

export const IdParams = Type.Object({ id: Type.String() });
export const NameParams = Type.Object({ name: Type.String() });
export const PreferHeader = Type.Object({
  prefer: Type.Optional(
    Type.String({ description: '`wait=N` (seconds, at most 60): answer when the task is final, or the time is over.' }),
  ),
});

export const SubmitSchema = Type.Unsafe<SubmitBody>(SUBMIT_BODY);

export const SHARED_SCHEMAS: readonly TSchema[] = [
  SubmitSchema,
  TaskSchema,
  ProblemSchema,
  StandingSchema,
  TurnSchema,
  ExplanationSchema,
];
