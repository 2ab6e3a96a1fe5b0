import { Readable } from 'node:stream';

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

import { InterlockError } from '../../core/errors.js';
import { CUT_FIELDS } from '../../core/event.js';
import { STATES, type State } from '../../core/state.js';
import { mayStill } from '../access/lasting.js';
import type { ApiContext, ApiServer } from '../context.js';
import { accepts } from '../http/accept.js';
import { refuseForeignPage } from '../http/same-origin.js';
import { IdParams, TaskSchema } from '../schemas.js';
import { found } from '../tasks/one.js';

const STREAMING = ['NOT_ACCEPTABLE', 'FORBIDDEN', 'OVERLOADED'] as const;
const MEDIA_TYPE = 'text/event-stream';
const { id, name, state, waitingFor, attempt, reason, queue, worker, group, parent, correlationId, tags, progress } =
  TaskSchema.properties;

/** `data` of the events `task` and `progress`. */
export const EventSchema = Type.Object(
  {
    ...{ id, name, state, waitingFor, attempt, reason, queue, worker, group, parent, correlationId, tags },
    at: Type.String({ format: 'date-time', description: 'By the clock of the process that tells.' }),
    progress: Type.Union([progress, Type.Null()]),
    cut: Type.Array(Type.Unsafe<string>({ type: 'string', enum: [...CUT_FIELDS] }), {
      description: 'Fields that did not fit into the event; the task has them.',
    }),
  },
  { $id: 'Event', additionalProperties: false },
);

const any = (description: string) => Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100, description }));
const lastEventId = Type.Optional(
  Type.String({ maxLength: 100, description: 'As the header `Last-Event-ID`, for clients that cannot set one.' }),
);
const Filters = Type.Object(
  {
    state: Type.Optional(Type.Array(Type.Unsafe<State>({ type: 'string', enum: [...STATES] }), { maxItems: 100 })),
    name: any('Task types.'),
    queue: any('Queues.'),
    worker: any('Workers that run it, or ran it last.'),
    tag: any('Tags.'),
    group: any('Ids of groups and workflows.'),
    parent: any('Ids of the tasks that spawned it.'),
    correlationId: any('Ids of the requests that submitted it.'),
    lastEventId,
  },
  { additionalProperties: false },
);
const Headers = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ description: 'Goes on after this event, as far as this API still has what came after it.' }),
  ),
});
const Stream = {
  description:
    'Server-sent events until the client leaves: `task` and `progress` (`data` is an Event), and `resync` (`data` is `{reason, detail}`): events may be missing before it.',
  content: { [MEDIA_TYPE]: { schema: Type.Unsafe<Readable>({ type: 'string' }) } },
};

export function eventRoutes(app: ApiServer, context: ApiContext): void {
  const { events, store } = context;
  const askedBy = (request: FastifyRequest, asked: string | undefined) => ({
    lastId: lastIdOf(request, asked),
    permitted: mayStill(context, request),
  });
  const following = {
    operationId: 'followEvents',
    summary: 'Follow what changes; a repeated filter means or, different ones and',
    tags: ['events'],
    querystring: Filters,
    headers: Headers,
    response: { 200: Stream },
  };
  app.get('/events', { schema: following, config: { problems: STREAMING } }, (request, reply) => {
    const { lastEventId: asked, ...filter } = request.query;
    return streaming(request, reply, () => events.follow(filter, askedBy(request, asked)));
  });

  const watching = {
    operationId: 'followTask',
    summary: 'Follow one task, from its record as it is until it has ended',
    tags: ['events'],
    params: IdParams,
    querystring: Type.Object({ lastEventId }, { additionalProperties: false }),
    headers: Headers,
    response: { 200: Stream },
  };
  app.get('/tasks/:id/events', { schema: watching, config: { problems: STREAMING } }, async (request, reply) => {
    const task = await found({ store }, request.params.id);
    return streaming(request, reply, () => events.watch(task.id, askedBy(request, request.query.lastEventId)));
  });
}

/** Whoever asks for the head alone gets that, and takes nobody's place. Throws NOT_ACCEPTABLE, FORBIDDEN. */
async function streaming(request: FastifyRequest, reply: FastifyReply, open: () => Promise<Readable>): Promise<Readable> {
  if (!accepts(request.headers.accept, MEDIA_TYPE))
    throw new InterlockError('NOT_ACCEPTABLE', `This answers with ${MEDIA_TYPE}, which Accept does not allow.`);
  refuseForeignPage(request);
  request.place?.leave(); // how many follow has a bound of its own
  const stream = request.method === 'HEAD' ? Readable.from([]) : await open();
  // Neither a cache nor a proxy may hold back what is told now.
  reply.headers({ 'content-type': MEDIA_TYPE, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  return stream;
}

/** The header wins: a browser sets it when it comes back, and cannot change the address. */
function lastIdOf({ headers }: FastifyRequest, query: string | undefined): string | undefined {
  const header = headers['last-event-id'];
  const id = (typeof header === 'string' ? header : query)?.slice(0, 100);
  return id === '' ? undefined : id;
}
