import { Type, type Static } from 'typebox';

import { MissingResource } from '../core/errors.js';
import { FINAL_STATES, STATES, type State } from '../core/state.js';
import { API_BASE } from '../core/task-view.js';
import { VISIBLE } from '../dispatch/submit-schema.js';
import type { TaskGroup } from '../store/store.js';
import type { ApiContext, ApiServer } from './context.js';
import { NoneMatch, unlessKnown } from './http/etag.js';
import { pageOf } from './http/paging.js';
import { IdParams, Time, listOf, nothing, ref } from './schemas.js';

const MAX_LIMIT = 500;
const tags = ['groups'];

export const GroupSchema = Type.Object(
  {
    id: Type.String(),
    href: Type.String(),
    name: Type.String(),
    kind: Type.Unsafe<TaskGroup['kind']>({ type: 'string', enum: ['group', 'workflow'] }),
    tasks: Type.String({ description: 'Where its members are listed.' }),
    correlationId: Type.String(),
    createdAt: Time,
    counts: Type.Unsafe<Record<State, number>>({
      type: 'object',
      properties: Object.fromEntries(STATES.map(state => [state, { type: 'integer' }])),
      required: [...STATES],
      additionalProperties: false,
      description: 'How many members are in each state.',
    }),
    total: Type.Integer(),
    done: Type.Integer({ description: 'Members that have ended, in whatever way.' }),
  },
  { $id: 'Group', additionalProperties: false },
);

type GroupView = Static<typeof GroupSchema>;

export function groupRoutes(app: ApiServer, context: ApiContext): void {
  const creating = {
    operationId: 'createGroup',
    summary: 'Create a group, to be named by the tasks that belong to it',
    tags,
    body: Type.Object(
      { name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: VISIBLE })) },
      { additionalProperties: false },
    ),
    response: { 201: ref(GroupSchema) },
  };
  app.post('/task-groups', { schema: creating }, async (request, reply) => {
    await context.acceptance.require();
    const id = context.runtime.random.id();
    const { name = id } = request.body;
    const group = await context.store.groups.create({ id, name, kind: 'group', correlationId: request.id });
    reply.code(201).header('location', hrefOf(id));
    return viewOf(context, group);
  });
  readRoutes(app, context);

  const canceling = {
    operationId: 'cancelGroup',
    summary: 'Cancel every member that has not ended',
    tags,
    params: IdParams,
    body: Type.Object({}, { additionalProperties: false }),
    response: { 202: ref(GroupSchema) },
  };
  app.post('/task-groups/:id/cancel', { schema: canceling, config: { bodyOptional: true } }, async (request, reply) => {
    const group = await found(context, request.params.id);
    await context.cancelGroup(group.id, request.principal);
    reply.code(202);
    return viewOf(context, group);
  });
}

function readRoutes(app: ApiServer, context: ApiContext): void {
  const listing = {
    operationId: 'listGroups',
    summary: 'List groups and workflows, newest first',
    tags,
    querystring: Type.Object(
      {
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: 50 })),
        before: Type.Optional(Type.String({ maxLength: 64, description: 'Older than this one.' })),
      },
      { additionalProperties: false },
    ),
    response: { 200: listOf(ref(GroupSchema)) },
  };
  app.get('/task-groups', { schema: listing }, async request => {
    const { limit = 50, before } = request.query;
    const groups = await context.store.groups.list(limit + 1, before);
    const page = pageOf(groups, limit, ({ id }) => `${API_BASE}/task-groups?limit=${limit}&before=${id}`);
    return { ...page, items: await Promise.all(page.items.map(group => viewOf(context, group))) };
  });

  const reading = {
    operationId: 'getGroup',
    summary: 'A group, and what has become of its members',
    tags,
    params: IdParams,
    headers: Type.Object(NoneMatch),
    response: { 200: ref(GroupSchema), 304: nothing('It is still as the given ETag says.') },
  };
  app.get('/task-groups/:id', { schema: reading }, async (request, reply) =>
    unlessKnown(request, reply, await viewOf(context, await found(context, request.params.id))),
  );
}

export const hrefOf = (id: string): string => `${API_BASE}/task-groups/${id}`;

export async function viewOf({ store }: ApiContext, group: TaskGroup): Promise<GroupView> {
  const known = await store.groups.counts(group.id);
  const counts = Object.fromEntries(STATES.map(state => [state, known[state] ?? 0])) as Record<State, number>;
  const sum = (states: readonly State[]): number => states.reduce((all, state) => all + counts[state], 0);
  return {
    ...group,
    href: hrefOf(group.id),
    tasks: `${API_BASE}/tasks?group=${group.id}`,
    createdAt: group.createdAt.toISOString(),
    counts,
    total: sum(STATES),
    done: sum(FINAL_STATES),
  };
}

async function found({ store }: ApiContext, id: string): Promise<TaskGroup> {
  const group = await store.groups.get(id.toLowerCase());
  if (!group) throw new MissingResource(`Group ${id.slice(0, 100)}`);
  return group;
}
