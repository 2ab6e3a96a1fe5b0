import { Type } from 'typebox';

import { API_BASE } from '../core/task-view.js';
import { MAX_COUNTED, MAX_HOLDERS } from '../store/resources.js';
import type { ResourceUse } from '../store/store.js';
import type { ApiContext, ApiServer } from './context.js';
import { pageOf } from './http/paging.js';
import { Time, listOf, orNull } from './schemas.js';

const MAX_LISTED = 100;
/** With names of 255 bytes, three characters each when encoded. */
const MAX_NAME = 255;

const Holder = Type.Object({ task: Type.String(), worker: orNull(Type.String()), since: Time }, { additionalProperties: false });
const ResourceUseSchema = Type.Object(
  {
    name: Type.String(),
    href: Type.String(),
    holders: Type.Array(Holder, { description: `The first ${MAX_HOLDERS}.` }),
    holding: Type.Integer({ description: `Tasks that hold it, counted up to ${MAX_COUNTED}.` }),
    waiting: Type.Integer({ description: `Tasks that wait for it, counted up to ${MAX_COUNTED}.` }),
    oldest: orNull(Type.String({ format: 'date-time', description: 'When the first of those who wait was accepted.' })),
    oldestSeconds: orNull(Type.Number()),
  },
  { additionalProperties: false },
);
const Page = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LISTED, default: 50 })),
    after: Type.Optional(Type.String({ maxLength: MAX_NAME, description: 'The name of the last one of the page before.' })),
  },
  { additionalProperties: false },
);

export function resourceListRoute(app: ApiServer, { store, serverTime }: ApiContext): void {
  const schema = {
    operationId: 'listResources',
    summary: 'Resources that somebody holds or waits for, in order of name',
    tags: ['resources'],
    querystring: Page,
    response: { 200: listOf(ResourceUseSchema) },
  };
  app.get('/resources', { schema }, async request => {
    const { limit = 50, after } = request.query;
    const [found, now] = await Promise.all([store.resources.inUse(limit + 1, after), serverTime.now()]);
    const page = pageOf(found, limit, ({ name }) => `${API_BASE}/resources?limit=${limit}&after=${encodeURIComponent(name)}`);
    return { ...page, items: page.items.map(use => viewOf(use, now)) };
  });
}

function viewOf({ name, holders, holding, waiting, oldest }: ResourceUse, now: Date) {
  return {
    name,
    href: `${API_BASE}/resources/${encodeURIComponent(name)}`,
    holders: holders.flatMap(({ id, run, grant }) =>
      grant ? [{ task: id, worker: run?.worker ?? null, since: grant.at.toISOString() }] : [],
    ),
    ...{ holding, waiting },
    oldest: oldest?.toISOString() ?? null,
    oldestSeconds: oldest ? Math.max(0, (now.getTime() - oldest.getTime()) / 1_000) : null,
  };
}
