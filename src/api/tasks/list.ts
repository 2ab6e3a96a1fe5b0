import { Type, type Static } from 'typebox';

import { invalid } from '../../core/errors.js';
import type { Task } from '../../core/task.js';
import { viewOf, type TaskView } from '../../core/task-view.js';
import type { EndedPlace, TaskFilter } from '../../store/store.js';
import type { ApiContext, ApiServer } from '../context.js';
import { badCursor, decodeCursor, encodeCursor, linkHeader, pathWithCursor, type Cursor } from '../http/paging.js';
import { TaskSchema, orNull } from '../schemas.js';
import { FILTERS, filterOf } from './filter.js';

const MAX_LIMIT = 500;
const COUNT_CAP = 10_000;

const SORTS = ['createdAt', '-createdAt', 'finishedAt', '-finishedAt'] as const;
const FIELDS: readonly string[] = Object.keys(TaskSchema.properties);

const ListQuery = Type.Object(
  {
    ...FILTERS,
    sort: Type.Optional(
      Type.Unsafe<(typeof SORTS)[number]>({
        type: 'string',
        enum: [...SORTS],
        description:
          '`-` is the latest first. -createdAt unless given; with a filter by end -finishedAt. By finishedAt there is only what has ended.',
      }),
    ),
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

type Place = Pick<Cursor, 'id' | 'at'>;

interface Page {
  items: Task[];
  hasNext: boolean;
  hasPrev: boolean;
  /** Where an empty page was looked for. */
  edge?: Place;
}

async function readPage({ store }: ApiContext, filter: TaskFilter, query: ListQuery): Promise<Page> {
  const { limit = 50 } = query;
  const cursor = query.cursor === undefined ? undefined : decodeCursor(query.cursor, identityOf(query));
  const page = { limit, newestFirst: sortOf(query).startsWith('-') };
  const { items, more } = byEnd(query)
    ? await store.tasks.listEnded(filter, { ...page, ...(cursor && { [cursor.direction]: endOf(cursor) }) })
    : await store.tasks.list(filter, { ...page, ...(cursor && { [cursor.direction]: cursor.id }) });
  if (!cursor) return { items, hasNext: more, hasPrev: false };
  const backwards = cursor.direction === 'before';
  return { items, hasNext: backwards || more, hasPrev: !backwards || more, edge: cursor };
}

/** Ends are found in their order; in the order of creation they would have to be looked for. */
function sortOf({ sort, finishedAfter, finishedBefore }: ListQuery): (typeof SORTS)[number] {
  return sort ?? (finishedAfter !== undefined || finishedBefore !== undefined ? '-finishedAt' : '-createdAt');
}

function byEnd(query: ListQuery): boolean {
  return sortOf(query).endsWith('finishedAt');
}

function endOf({ id, at }: Cursor): EndedPlace {
  if (!at) throw badCursor('?cursor');
  return { id, finishedAt: at };
}

function linksOf(page: Page, url: string, query: ListQuery): { next: string | null; prev: string | null } {
  const placeOf = (task: Task | undefined): Place | undefined =>
    task && { id: task.id, ...(byEnd(query) && { at: task.finishedAt }) };
  const link = (direction: 'after' | 'before', place: Place | undefined): string | null =>
    place ? pathWithCursor(url, encodeCursor({ ...place, direction }, identityOf(query))) : null;
  return {
    next: page.hasNext ? link('after', placeOf(page.items.at(-1)) ?? page.edge) : null,
    prev: page.hasPrev ? link('before', placeOf(page.items[0]) ?? page.edge) : null,
  };
}

/** What makes two pages pages of the same list. */
function identityOf(query: ListQuery): unknown {
  return Object.fromEntries(Object.entries(query).filter(([name]) => name === 'sort' || Object.hasOwn(FILTERS, name)));
}

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
