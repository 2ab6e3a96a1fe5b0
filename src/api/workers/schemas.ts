import { Type } from 'typebox';

import { STAGES, type Stage } from '../../core/wish.js';
import { MAX_SLOTS } from '../../core/command.js';
import { ofEveryProcess } from '../processes.js';
import { Time, orNull, ref } from '../schemas.js';

const closed = { additionalProperties: false } as const;
const count = Type.Integer();

const Stats = Type.Object(
  {
    age: Type.Number({ description: 'Seconds since the heartbeat that brought these numbers.' }),
    busy: Type.Integer({ description: 'Slots in which a body runs.' }),
    ahead: Type.Integer({ description: 'Claimed, and waiting there for a slot.' }),
    children: count,
    residentMiB: orNull(Type.Integer({ description: 'Of the supervisor.' })),
    childrenMiB: orNull(Type.Integer({ description: 'Of all its children together.' })),
    tasksRun: Type.Integer({ description: 'Bodies that were begun since it started.' }),
    uptimeSeconds: count,
    loopUse: Type.Number({ description: 'Share of the time in which the supervisor was busy itself, 0 to 1.' }),
  },
  closed,
);

export const WorkerSchema = Type.Object(
  {
    ...ofEveryProcess,
    href: Type.String(),
    queues: Type.Array(Type.String()),
    dedicated: Type.Boolean({ description: 'Takes nothing but what is bound to it.' }),
    pool: orNull(Type.Unsafe<'prefork' | 'async'>({ type: 'string', enum: ['prefork', 'async'] })),
    paused: Type.Boolean({ description: 'Takes no new work; what runs goes on.' }),
    draining: Type.Boolean({ description: 'Paused, and what is bound to it goes to others.' }),
    slots: count,
    freeSlots: count,
    tasks: Type.Array(Type.String(), { description: 'Ids of what it runs now.' }),
    awaiting: Type.Array(Type.String(), { description: 'Those of them that wait for other tasks, and have no slot meanwhile.' }),
    unfamiliar: Type.Array(Type.String(), {
      description: 'Types of tasks that it left to others lately, as `name` or `name@version`.',
    }),
    obeyed: Type.Boolean({ description: 'It does what was last asked of it.' }),
    stats: orNull(Stats),
  },
  { $id: 'Worker', ...closed },
);

const Running = Type.Object({ id: Type.String(), name: Type.String(), since: Time }, closed);
const Reserved = Type.Object({ id: Type.String(), name: Type.String() }, closed);

export const WorkerDetailSchema = Type.Object(
  {
    ...WorkerSchema.properties,
    running: Type.Array(Running),
    reserved: Type.Array(Reserved, { description: 'Bound to it and not started; the first 100.' }),
    types: Type.Array(Type.Object({ name: Type.String(), version: orNull(count) }, closed), {
      description: 'Task types that its children have loaded; empty while they start.',
    }),
  },
  { $id: 'WorkerDetail', ...closed },
);

const stage = Type.Unsafe<Stage>({
  type: 'string',
  enum: [...STAGES],
  default: 'warm',
  description: 'warm: what runs may end by itself. soft: it is asked to end. cold: it is killed.',
});
const most = MAX_SLOTS.async;
const slots = {
  slots: Type.Optional(Type.Integer({ minimum: 1, maximum: most })),
  grow: Type.Optional(Type.Integer({ minimum: 1, maximum: most })),
  shrink: Type.Optional(Type.Integer({ minimum: 1, maximum: most })),
};

export const EmptyBody = Type.Object({}, closed);
export const ShutdownBody = Type.Object({ stage: Type.Optional(stage) }, closed);
export const PoolBody = Type.Object(slots, { ...closed, minProperties: 1, maxProperties: 1, description: 'One of the three.' });
export const ACTIONS = ['pause', 'resume', 'drain', 'shutdown', 'pool'] as const;
export const ActionsBody = Type.Object(
  {
    action: Type.Unsafe<(typeof ACTIONS)[number]>({ type: 'string', enum: [...ACTIONS] }),
    names: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, maxItems: 1_000, uniqueItems: true, description: 'Absent: every live worker.' }),
    ),
    stage: Type.Optional(stage),
    ...slots,
  },
  closed,
);

export const AnswersSchema = Type.Object(
  {
    asked: Type.Integer({ description: 'In how many records it stands.' }),
    answered: Type.Integer({ description: 'How many have done it by now; with `Prefer: wait=N` they are waited for.' }),
    silent: Type.Array(Type.String(), { description: 'Those that have not yet.' }),
  },
  { $id: 'WorkerAnswers', ...closed },
);

export const WaitHeader = Type.Object({
  prefer: Type.Optional(
    Type.String({ description: '`wait=N` (seconds, at most 60): answer when all have done it, or the time is over.' }),
  ),
});

export const workerRef = ref(WorkerSchema);
