import { Type } from 'typebox';

import type { ApiContext, ApiServer } from './context.js';
import { probe } from './deadline.js';

const PROBE_MS = 2_500;

/** For process managers and load balancers; outside the base, without a token. */
export function healthRoutes(app: ApiServer, context: ApiContext): void {
  const living = {
    operationId: 'livez',
    summary: 'The process answers',
    tags: ['status'],
    response: { 200: Type.Object({ live: Type.Boolean() }) },
  };
  app.get('/livez', { schema: living }, () => ({ live: true }));

  const Ready = Type.Object({
    ready: Type.Boolean(),
    checks: Type.Object({ database: Type.Boolean(), broker: Type.Boolean(), draining: Type.Boolean() }),
  });
  const readying = {
    operationId: 'readyz',
    summary: 'It can serve: the database is reached and it is not stopping',
    tags: ['status'],
    response: { 200: Ready, 503: Ready },
  };
  let asking: Promise<{ ok: boolean }> | undefined;
  app.get('/readyz', { schema: readying }, async (_request, reply) => {
    const { store, broker, runtime } = context;
    asking ??= probe(() => store.ping(), PROBE_MS, runtime.timers).finally(() => (asking = undefined));
    const database = (await asking).ok;
    const draining = context.draining();
    const ready = database && !draining; // the broker only makes things quicker
    if (!ready) reply.code(503).header('retry-after', 2);
    return { ready, checks: { database, broker: broker.status().state === 'up', draining } };
  });
}
