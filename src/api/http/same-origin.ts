import type { FastifyRequest } from 'fastify';

import { InterlockError } from '../../core/errors.js';
import type { ApiServer } from '../context.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A page of another site may make a browser send simple requests to loopback addresses; nothing is changed for those. */
export function refuseForeignPages(app: ApiServer): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const foreign = !READS.has(request.method) && isForeign(request);
    done(foreign ? new InterlockError('FORBIDDEN', 'Requests from pages of another origin may not change anything.') : undefined);
  });
}

function isForeign({ headers }: FastifyRequest): boolean {
  const { origin, host } = headers;
  if (headers['sec-fetch-site'] === 'cross-site') return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
