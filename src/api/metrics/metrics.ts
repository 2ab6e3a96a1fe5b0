import { Type } from 'typebox';

import type { ApiContext, ApiServer } from '../context.js';
import { probe } from '../deadline.js';
import { FleetText } from './fleet-text.js';

const PING_MS = 1_000;

/** For Prometheus; outside the base, without a token. */
export function metricsRoute(app: ApiServer, context: ApiContext): void {
  const fleet = new FleetText(context);
  const { metrics, store, broker, runtime } = context;
  const { contentType } = metrics.registry;
  const schema = {
    operationId: 'metrics',
    summary: 'Metrics of the deployment and of this API, for Prometheus',
    tags: ['status'],
    response: { 200: { description: 'Text format 0.0.4', content: { [contentType]: { schema: Type.String() } } } },
  };
  app.get('/metrics', { schema }, async (_request, reply) => {
    const [database, deployment] = await Promise.all([probe(() => store.ping(), PING_MS, runtime.timers), fleet.text()]);
    const own = await metrics.text({ database: database.ok, broker: broker.status().state === 'up' });
    return reply.type(contentType).serializer(String).send(`${own}${deployment}`);
  });
}
