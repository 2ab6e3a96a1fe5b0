import type { FastifyRequest } from 'fastify';

import { InterlockError } from '../../core/errors.js';
import { API_BASE } from '../../core/task-view.js';
import { RefusalLog } from '../access/refusals.js';
import type { ApiContext, ApiLimits, ApiServer } from '../context.js';
import { InFlight, type Full, type Place } from './in-flight.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Among those that are being answered; null for what is not counted. */
    place: Place | null;
  }
}

const MIB = 2 ** 20;

/**
 * Below the base only so many requests are answered at a time, and bodies of so many bytes held; the others hear at once that they should come back,
 * before anything is read or asked for them. Health, metrics and published content are no part of it: whoever watches an API must reach it above all
 * when it is full.
 */
export function limitRequests(app: ApiServer, { settings, metrics, log, runtime }: ApiContext): void {
  const { inFlight: requests, bodyMiB } = settings.limits;
  const inFlight = new InFlight({ requests, bytes: bodyMiB * MIB });
  const refusals = new RefusalLog(log, runtime.clock);
  metrics.observeInFlight(() => inFlight.requests);
  app.decorateRequest('place', null);
  app.addHook('onRequest', (request, reply, done) => {
    const place = isLimited(request) ? inFlight.enter(bytesOf(request)) : null;
    if (typeof place === 'string') {
      metrics.refused(place);
      done(new InterlockError('OVERLOADED', WHY[place](settings.limits)));
      return;
    }
    request.place = place;
    if (place) reply.raw.once('close', () => place.closed());
    done();
  });
  app.addHook('onSend', (request, _reply, _payload, done) => {
    request.place?.answered();
    done();
  });
  // Not a line for each: what is refused because there is too much of it must not fill the log.
  app.addHook('onError', (request, _reply, error, done) => {
    if (isOverload(error)) refusals.note(request, error.message);
    done();
  });
}

/** Whether it counts at all. */
export function isLimited({ is404, routeOptions }: FastifyRequest): boolean {
  return !is404 && (routeOptions.url?.startsWith(`${API_BASE}/`) ?? false);
}

/** Told by `limitRequests` as often as a person wants to read it. */
export function isOverload(error: unknown): error is InterlockError {
  return error instanceof InterlockError && error.code === 'OVERLOADED';
}

const WHY: Record<Full, (limits: ApiLimits) => string> = {
  'in-flight': ({ inFlight }) => `${inFlight} requests are being answered already. Nothing was done; come back later.`,
  body: ({ bodyMiB }) =>
    `The requests that are being answered have more than ${bodyMiB} MiB together with this one. Nothing was done; come back later.`,
};

/** Of the body, as announced; one without a length may be as large as its route allows. */
function bytesOf({ headers, routeOptions }: FastifyRequest): number {
  const length = headers['content-length'];
  if (length !== undefined) return Math.min(Number(length), routeOptions.bodyLimit);
  return headers['transfer-encoding'] === undefined ? 0 : routeOptions.bodyLimit;
}
