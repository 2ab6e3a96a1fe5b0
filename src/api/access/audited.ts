import type { FastifyReply, FastifyRequest } from 'fastify';

import { LOCAL } from '../../core/access.js';
import { idAt } from '../../core/time-id.js';
import type { TrailEntry } from '../../store/store.js';
import type { ApiContext, ApiServer } from '../context.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of an operation that is written down: the id of its entry, and what its handler has to add. */
    trail: { id: string; detail?: string } | null;
  }
}

const MAX_TEXT = 1_000;

/**
 * Writes down what operators do: before it is done, so that nothing can be done unseen, and when it is, how it ended. What the schemas refuse, or nobody
 * was admitted for, is not done and not written down.
 */
export function auditRequests(app: ApiServer, context: ApiContext): void {
  app.decorateRequest('trail', null);
  app.addHook('preHandler', (request, _reply, done) => {
    const { audited } = request.routeOptions.config;
    if (!Array.isArray(audited)) return done();
    begin(context, request, audited as readonly string[]).then(() => done(), done);
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { trail } = request;
    if (!trail) return done();
    request.trail = null;
    // It is done, whatever becomes of the entry.
    settle(context, trail, reply).then(
      () => done(),
      (error: unknown) => {
        context.log.warn('Could not write down how an operation ended; its entry says that it has begun.', { err: error });
        done();
      },
    );
  });
}

async function begin(context: ApiContext, request: FastifyRequest, fields: readonly string[]): Promise<void> {
  const { store, runtime, serverTime, settings } = context;
  const at = await serverTime.now();
  const target = targetOf(request);
  const detail = detailOf(request, fields);
  const entry: TrailEntry = {
    id: idAt(runtime.random.id(), at),
    at,
    who: request.token?.name ?? LOCAL,
    ...(request.token && { token: request.token.id }),
    operation: request.routeOptions.schema?.operationId ?? `${request.method} ${request.routeOptions.url ?? ''}`,
    ...(target !== undefined && { target }),
    ...(detail !== '' && { detail }),
    requestId: request.id,
    outcome: 'begun',
    ...expiry(at, settings.auditSeconds),
  };
  await store.trail.append(entry);
  request.trail = { id: entry.id, ...(detail !== '' && { detail }) };
}

/** How long entries are kept; 0: for ever. */
export function expiry(at: Date, seconds: number): Pick<TrailEntry, 'expiresAt'> {
  return seconds === 0 ? {} : { expiresAt: new Date(at.getTime() + seconds * 1_000) };
}

async function settle(
  { store }: ApiContext,
  { id, detail }: { id: string; detail?: string },
  reply: FastifyReply,
): Promise<void> {
  const { statusCode: status } = reply;
  const outcome = status < 400 ? 'done' : status < 500 ? 'refused' : 'failed';
  await store.trail.settle(id, { outcome, status, ...(detail !== undefined && { detail: cut(detail) }) });
}

type Fields = Readonly<Record<string, unknown>>;

/** What the path names, else what the body does. */
function targetOf({ params, body }: FastifyRequest): string | undefined {
  const inPath = params as Fields;
  const inBody = (body ?? {}) as Fields;
  const found = inPath.id ?? inPath.name ?? inBody.name ?? inBody.names;
  return found === undefined ? undefined : cut(textOf(found));
}

function detailOf({ query, body }: FastifyRequest, fields: readonly string[]): string {
  const given = { ...(query as Fields), ...((body ?? {}) as Fields) };
  const told = fields.filter(field => given[field] !== undefined).map(field => `${field}=${textOf(given[field])}`);
  return cut(told.join(' '));
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
