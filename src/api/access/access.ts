import type { FastifyReply, FastifyRequest } from 'fastify';

import { includesRole } from '../../core/access.js';
import { InterlockError, invalid } from '../../core/errors.js';
import type { Token } from '../../store/store.js';
import type { ApiContext, ApiServer } from '../context.js';
import { isLoopback } from '../../core/loopback.js';
import { isLimited } from '../limits/limits.js';
import { RequestRate } from '../limits/request-rate.js';
import { auditRequests } from './audited.js';
import { ruleOf, type Access } from './operations.js';
import { RefusalLog } from './refusals.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, as it stands in records: `token NAME`, or `anonymous` without one. */
    principal: string;
    /** The token that came with it. */
    token: Token | null;
  }
}

const ANONYMOUS = 'anonymous';

/**
 * Every route that is registered after this is only for those who may: it says what it needs (`ruleOf`), and a request shows by a bearer token that it
 * may. Whoever reaches a loopback address may do everything as long as there is no token at all.
 */
export function guardRequests(app: ApiServer, context: ApiContext): void {
  const refusals = new RefusalLog(context.log, context.runtime.clock);
  const rate = new RequestRate(context);
  app.decorateRequest('principal', ANONYMOUS);
  app.decorateRequest('token', null);
  app.addHook('onRoute', route => {
    const { access, audited } = ruleOf(route);
    route.config = { ...route.config, access, audited };
    if (route.schema) route.schema = { ...route.schema, security: securityOf(access) };
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return;
    try {
      await admit(context, request, request.routeOptions.config.access ?? 'admin').finally(() => {
        if (isLimited(request)) rate.take(request); // also of whoever is refused: a wrong token costs a look at the database
      });
    } catch (error) {
      if (error instanceof InterlockError && error.status < 500) refusals.note(request, error.message);
      if (error instanceof InterlockError && error.code === 'UNAUTHORIZED') challenge(request, reply);
      throw error;
    }
  });
  auditRequests(app, context);
}

/** Of an operation, for the OpenAPI document: the role stands where scopes would. */
function securityOf(access: Access): Record<string, string[]>[] {
  return access === 'anyone' ? [] : [{ bearer: [access] }];
}

/** Throws VALIDATION_FAILED, UNAUTHORIZED, FORBIDDEN, StoreError. */
export async function admit(context: ApiContext, request: FastifyRequest, access: Access): Promise<void> {
  const { knownTokens } = context;
  if (access === 'anyone') return;
  refuseTokenInUrl(request);
  const text = bearerOf(request);
  const token = text === undefined ? undefined : await knownTokens.find(text);
  if (!token) {
    if (!(await mustShowToken(context))) return;
    throw new InterlockError('UNAUTHORIZED', text === undefined ? NO_TOKEN : BAD_TOKEN);
  }
  request.token = token;
  request.principal = `token ${token.name}`;
  if (includesRole(token.role, access)) return;
  throw new InterlockError('FORBIDDEN', `This needs the role ${access}; the token "${token.name}" has the role ${token.role}.`);
}

const NO_TOKEN = 'This needs a token: send it as "Authorization: Bearer TOKEN".';
/** The same for all of them: who guesses learns nothing. */
const BAD_TOKEN = 'The token is not a good one: it is unknown, expired or revoked.';

/** Whether a request without a token is refused. Throws StoreError. */
export async function mustShowToken({ settings, knownTokens }: ApiContext): Promise<boolean> {
  return settings.requireTokens === 'always' || !isLoopback(settings.host) || (await knownTokens.any());
}

/** It stands in logs and histories on the way by now: who sends it so should hear of it, whether it is good or not. Throws VALIDATION_FAILED. */
function refuseTokenInUrl({ query }: FastifyRequest): void {
  const name = ['token', 'access_token'].find(each => Object.hasOwn(query as object, each));
  if (name === undefined) return;
  const detail =
    'a token in an address stands in logs and histories by now: revoke it, and send another one as "Authorization: Bearer TOKEN"';
  throw invalid(`?${name}`, detail, 'token_in_url');
}

/** Empty where something came that is no bearer token. */
function bearerOf({ headers }: FastifyRequest): string | undefined {
  if (headers.authorization === undefined) return undefined;
  return /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1] ?? '';
}

/** RFC 6750. */
function challenge({ headers }: FastifyRequest, reply: FastifyReply): void {
  const error = headers.authorization === undefined ? '' : ', error="invalid_token"';
  reply.header('www-authenticate', `Bearer realm="interlock"${error}`);
}
