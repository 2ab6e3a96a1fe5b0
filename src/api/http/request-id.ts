import type { IncomingMessage } from 'node:http';

import type { Random } from '../../process/runtime.js';
import type { ApiServer } from '../context.js';

const ALLOWED = /^[A-Za-z0-9._-]{1,128}$/;

/** The client's `X-Request-ID` where it is harmless in logs and records, else a new one. */
export function requestIds(random: Random): (request: IncomingMessage) => string {
  return request => {
    const given = request.headers['x-request-id'];
    return typeof given === 'string' && ALLOWED.test(given) ? given : random.uuid();
  };
}

export function showRequestIds(app: ApiServer): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
}
