import { Type, type Static } from 'typebox';

import { invalid } from '../../core/errors.js';
import { STATES, type State } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import { viewOf, type TaskView } from '../../core/task-view.js';
import type { TaskFilter } from '../../store/store.js';
import type { ApiContext, ApiServer } from '../context.js';
import { decodeCursor, encodeCursor, linkHeader, pathWithCursor } from '../http/paging.js';
import { TaskSchema, Time, orNull } from '../schemas.js';

const MAX_LIMIT = 500;
const COUNT_CAP = 10_000;

const any = (description: string) => Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100, description }));
const ListQuery = Type.Object(
  {
    state: Type.Optional(Type.Array(Type.Unsafe<State>({ type: 'string', enum: [...STATES] }), { maxItems: 100 })),
    name: any('Task types.'),
    queue: any('Queues.'),
    worker: any('Workers that run it, or ran it.'),
    resource: any('Reserved by it, in either mode.'),
    tag: any('Tags.'),
    group: any('Ids of groups and workflows.'),
    parent: any('Ids of the tasks that spawned it.'),
    correlationId: any('Ids of the requests that submitted it.'),
    schedule: any('Ids of schedules.'),
    createdAfter: Type.Optional(Time),
    createdBefore: Type.Optional(Time),
    finishedAfter: Type.Optional(Time),
    finishedBefore: Type.Optional(Time),
    sort: Type.Optional(Type.Unsafe<'createdAt' | '-createdAt'>({ type: 'string', enum: ['createdAt', '-createdAt'] })),
    fields: Type.Optional(
      Type.Array(Type.String(), { maxItems: 100, description: 'Exactly these fields; repeated, or with commas.' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: 50 })),
    cursor: Type.Optional(Type.String({ maxLength: 500, description: 'From `next` or `prev` of another page.' })),
    count: Type.Optional(Type.Boolean({ description: `Adds a count, which ends at ${COUNT_CAP}.` })),
  },
  { additionalProperties: false },
);
type ListQuery = Static<typeof ListQuery>;

const ListAnswer = Type.Object({
  items: Type.Array(Type.Partial(TaskSchema, { $id: '' })),
  next: orNull(Type.String()),
  prev: orNull(Type.String()),
  count: Type.Optional(Type.Integer()),
  countCapped: Type.Optional(Type.Boolean()),
});

export function listRoutes(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'listTasks',
    summary: 'List tasks; a repeated filter means or, different ones and',
    tags: ['tasks'],
    querystring: ListQuery,
    response: { 200: ListAnswer },
  };
  app.get('/tasks', { schema }, async (request, reply) => {
    const { query, url } = request;
    const fields = fieldsOf(query.fields);
    const filter = filterOf(query);
    const page = await readPage(context, filter, query);
    const links = linksOf(page, url, query);
    const link = linkHeader(links);
    if (link !== undefined) reply.header('link', link);
    const counted = query.count === true ? await context.store.tasks.count(filter, COUNT_CAP) : undefined;
    return {
      items: page.items.map(task => pick(viewOf(task), fields)),
      ...links,
      ...(counted !== undefined && { count: counted, countCapped: counted >= COUNT_CAP }),
    };
  });
}

/** What chooses how a list is shown, not what is in it. */
const SHOWING: ReadonlySet<string> = new Set(['sort', 'fields', 'limit', 'cursor', 'count']);
const TIMES = ['createdAfter', 'createdBefore', 'finishedAfter', 'finishedBefore'] as const;

function filterOf(query: ListQuery): TaskFilter {
  const lists = Object.entries(query).filter(([name, value]) => !SHOWING.has(name) && Array.isArray(value));
  const times = TIMES.map(name => [name, query[name]] as const).filter(([, time]) => time !== undefined);
  return {
    ...Object.fromEntries(lists),
    ...Object.fromEntries(times.map(([name, time]) => [name, new Date(time ?? '')])),
    ...(query.resource && { resource: query.resource.map(name => name.normalize('NFC')) }),
  };
}

interface Page {
  items: Task[];
  hasNext: boolean;
  hasPrev: boolean;
  /** Where an empty page was looked for. */
  edge?: string;
}

async function readPage(context: ApiContext, filter: TaskFilter, query: ListQuery): Promise<Page> {
  const { limit = 50, sort = '-createdAt' } = query;
  const cursor = query.cursor === undefined ? undefined : decodeCursor(query.cursor, identityOf(query));
  const at = cursor ? { [cursor.direction]: cursor.id } : {};
  const { items, more } = await context.store.tasks.list(filter, { limit, newestFirst: sort === '-createdAt', ...at });
  if (!cursor) return { items, hasNext: more, hasPrev: false };
  const backwards = cursor.direction === 'before';
  return { items, hasNext: backwards || more, hasPrev: !backwards || more, edge: cursor.id };
}

function linksOf(page: Page, url: string, query: ListQuery): { next: string | null; prev: string | null } {
  const link = (direction: 'after' | 'before', id: string | undefined): string | null =>
    id === undefined ? null : pathWithCursor(url, encodeCursor({ direction, id }, identityOf(query)));
  return {
    next: page.hasNext ? link('after', page.items.at(-1)?.id ?? page.edge) : null,
    prev: page.hasPrev ? link('before', page.items[0]?.id ?? page.edge) : null,
  };
}

/** What makes two pages pages of the same list. */
function identityOf(query: ListQuery): unknown {
  return Object.fromEntries(Object.entries(query).filter(([name]) => name === 'sort' || !SHOWING.has(name)));
}

const FIELDS: readonly string[] = Object.keys(TaskSchema.properties);

function fieldsOf(given: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (!given) return undefined;
  const fields = given.flatMap(each => each.split(',')).map(field => field.trim());
  const unknown = fields.find(field => !FIELDS.includes(field));
  if (unknown !== undefined)
    throw invalid('?fields', `"${unknown}" is not a field; fields are ${FIELDS.join(', ')}`, 'unknown_field');
  return new Set(fields);
}

function pick(view: TaskView, fields: ReadonlySet<string> | undefined): Partial<TaskView> {
  if (!fields) return view;
  return Object.fromEntries(Object.entries(view).filter(([field]) => fields.has(field)));
}
