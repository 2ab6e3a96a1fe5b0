import { Type } from 'typebox';

import { LOCAL } from '../../core/access.js';
import { MissingResource } from '../../core/errors.js';
import { API_BASE } from '../../core/task-view.js';
import type { Token } from '../../store/store.js';
import { mustShowToken } from '../access/access.js';
import type { ApiContext, ApiServer } from '../context.js';
import { pageOf } from '../http/paging.js';
import { IdParams, listOf, nothing, ref } from '../schemas.js';
import { nameTaken, newToken } from './new-token.js';
import { NewTokenSchema, RoleSchema, TokenSchema, hrefOf, viewOf } from './view.js';

const MAX_LISTED = 500;
const tags = ['tokens'];

const Wish = Type.Object(
  {
    name: Type.String({ description: 'Who it is for: 1 to 64 of `A-Z a-z 0-9 . _ @ -`.' }),
    role: RoleSchema,
    expires: Type.Optional(
      Type.Union([Type.Number(), Type.String()], { description: 'Seconds from now, an ISO 8601 duration, or a time.' }),
    ),
  },
  { additionalProperties: false },
);
const Page = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LISTED, default: 100 })),
    after: Type.Optional(Type.String({ maxLength: 64, description: 'The id of the last one of the page before.' })),
  },
  { additionalProperties: false },
);

/** Tokens are made and revoked, never changed: who needs another role gets another token. */
export function tokenRoutes(app: ApiServer, context: ApiContext): void {
  createRoute(app, context);
  readRoutes(app, context);

  const revoking = {
    operationId: 'revokeToken',
    summary: 'Revoke a token; every API refuses it within ten seconds, this one at once',
    tags,
    params: IdParams,
    response: { 204: nothing('It is good for nothing any more.') },
  };
  app.delete('/tokens/:id', { schema: revoking }, async (request, reply) => {
    const { store, knownTokens, log } = context;
    const token = await found(context, request.params.id);
    if (request.trail) request.trail.detail = `name=${token.name}`;
    if (!(await store.tokens.remove(token.id))) throw missing(token.id);
    knownTokens.forget();
    log.info(`The token "${token.name}" (${token.role}) is revoked.`, {
      by: request.token?.name ?? LOCAL,
      requestId: request.id,
    });
    if (!(await mustShowToken(context))) log.warn('No token is left: whoever reaches this address may do everything.');
    return reply.code(204).send();
  });
}

function createRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'createToken',
    summary: 'Make a token; its text is in this answer only',
    tags,
    body: Wish,
    response: { 201: ref(NewTokenSchema) },
  };
  app.post('/tokens', { schema, config: { problems: ['CONFLICT'] } }, async (request, reply) => {
    const { store, runtime, serverTime, knownTokens, log } = context;
    const now = await serverTime.now();
    const by = request.token?.name ?? LOCAL;
    const { text, record } = newToken(request.body, { id: runtime.random.id(), by, now });
    const stored = await store.tokens.create(record);
    if (!stored) throw nameTaken(record.name);
    knownTokens.forget();
    log.info(`The token "${stored.name}" (${stored.role}) is made.`, { by, requestId: request.id });
    reply.code(201).headers({ location: hrefOf(stored.id), 'cache-control': 'no-store' });
    return { ...viewOf(stored, now), token: text };
  });
}

function readRoutes(app: ApiServer, context: ApiContext): void {
  const { store, serverTime } = context;
  const listing = {
    operationId: 'listTokens',
    summary: 'Tokens, in the order in which they were made',
    tags,
    querystring: Page,
    response: { 200: listOf(ref(TokenSchema)) },
  };
  app.get('/tokens', { schema: listing }, async request => {
    const { limit = 100, after } = request.query;
    const [read, now] = await Promise.all([store.tokens.list(limit + 1, after), serverTime.now()]);
    const page = pageOf(read, limit, ({ id }) => `${API_BASE}/tokens?limit=${limit}&after=${id}`);
    return { ...page, items: page.items.map(token => viewOf(token, now)) };
  });

  const reading = {
    operationId: 'getToken',
    summary: 'One token, all but its text',
    tags,
    params: IdParams,
    response: { 200: ref(TokenSchema) },
  };
  app.get('/tokens/:id', { schema: reading }, async request =>
    viewOf(await found(context, request.params.id), await serverTime.now()),
  );
}

async function found({ store }: ApiContext, id: string): Promise<Token> {
  const token = await store.tokens.get(id.toLowerCase());
  if (!token) throw missing(id);
  return token;
}

function missing(id: string): MissingResource {
  return new MissingResource(`Token ${id.slice(0, 100)}`);
}
