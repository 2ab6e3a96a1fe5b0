import { Type, type Static } from 'typebox';

import { leastIdAt } from '../core/time-id.js';
import { TRAIL_OUTCOMES, type TrailOutcome } from '../store/trail.js';
import type { TrailEntry, TrailFilter } from '../store/store.js';
import type { ApiContext, ApiServer } from './context.js';
import { decodeCursor, encodeCursor, linkHeader, pageOf, pathWithCursor } from './http/paging.js';
import { Time, listOf, orNull, ref } from './schemas.js';

const MAX_LIMIT = 500;

const outcome = Type.Unsafe<TrailOutcome>({ type: 'string', enum: [...TRAIL_OUTCOMES] });
export const TrailEntrySchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    at: Time,
    who: Type.String({ description: 'The name of a token; `local` is whoever did it without one.' }),
    token: orNull(Type.String({ description: 'The id of that token.' })),
    operation: Type.String({ description: 'The operationId.' }),
    target: orNull(Type.String()),
    detail: orNull(Type.String()),
    requestId: Type.String(),
    outcome: Type.Unsafe<TrailOutcome>({
      ...outcome,
      description: '`begun`: what became of it is not known; `refused`: nothing was changed; `failed`: something may have been.',
    }),
    status: orNull(Type.Integer({ description: 'Of the answer.' })),
  },
  { $id: 'TrailEntry', additionalProperties: false },
);

const any = (description: string) => Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100, description }));
const TrailQuery = Type.Object(
  {
    who: any('Names of tokens, or `local`.'),
    operation: any('OperationIds.'),
    target: any('Ids and names.'),
    outcome: Type.Optional(Type.Array(outcome, { maxItems: 10 })),
    after: Type.Optional(Time),
    before: Type.Optional(Time),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: 50 })),
    cursor: Type.Optional(Type.String({ maxLength: 500, description: 'From `next` of another page.' })),
  },
  { additionalProperties: false },
);
type TrailQuery = Static<typeof TrailQuery>;

export function trailRoute(app: ApiServer, { store }: ApiContext): void {
  const schema = {
    operationId: 'listAuditTrail',
    summary: 'What operators did, newest first; a repeated filter means or, different ones and',
    tags: ['audit'],
    querystring: TrailQuery,
    response: { 200: listOf(ref(TrailEntrySchema)) },
  };
  app.get('/audit', { schema }, async (request, reply) => {
    const { query, url } = request;
    const { limit = 50 } = query;
    const found = await store.trail.list(filterOf(query), limit + 1);
    const page = pageOf(found, limit, ({ id }) =>
      pathWithCursor(url, encodeCursor({ direction: 'after', id }, identityOf(query))),
    );
    const link = linkHeader(page);
    if (link !== undefined) reply.header('link', link);
    return { ...page, items: page.items.map(viewOf) };
  });
}

/** Ids tell the time, so both ends of a page are ids. */
function filterOf(query: TrailQuery): TrailFilter {
  const { who, operation, target, outcome: outcomes, after, before, cursor } = query;
  const ends = [
    ...(before === undefined ? [] : [leastIdAt(new Date(before))]),
    ...(cursor === undefined ? [] : [decodeCursor(cursor, identityOf(query)).id]),
  ].sort();
  return {
    who,
    operation,
    target,
    outcome: outcomes,
    before: ends[0],
    from: after === undefined ? undefined : leastIdAt(new Date(after)),
  };
}

/** What makes two pages pages of the same list. */
function identityOf({ who, operation, target, outcome: outcomes, after, before }: TrailQuery): unknown {
  const filters = { audit: true, who, operation, target, outcome: outcomes, after, before };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

function viewOf({
  id,
  at,
  who,
  token,
  operation,
  target,
  detail,
  requestId,
  outcome: end,
  status,
}: TrailEntry): Static<typeof TrailEntrySchema> {
  return {
    ...{ id, at: at.toISOString(), who, token: token ?? null, operation },
    ...{ target: target ?? null, detail: detail ?? null, requestId, outcome: end, status: status ?? null },
  };
}
