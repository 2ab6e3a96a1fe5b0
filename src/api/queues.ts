import { Type, type Static } from 'typebox';

import type { ApiContext, ApiServer } from './context.js';
import { Time, listOf, orNull, wholeList } from './schemas.js';

const QueueSchema = Type.Object({
  name: Type.String(),
  messages: orNull(Type.Integer({ description: 'Hints in RabbitMQ; null when it cannot tell.' })),
  consumers: orNull(Type.Integer()),
  waiting: Type.Integer({ description: 'Waiting tasks, counted up to 10,000.' }),
  oldest: orNull(Time),
});

const MAX_QUEUES = 100;
const COUNT_CAP = 10_000;

export function queueRoutes(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'listQueues',
    summary: 'Queues that workers or task types name',
    tags: ['queues'],
    response: { 200: listOf(QueueSchema) },
  };
  app.get('/queues', { schema }, async () => {
    const names = await queueNames(context);
    return wholeList(await Promise.all(names.map(name => readQueue(context, name))));
  });
}

async function queueNames({ store, types }: ApiContext): Promise<string[]> {
  const processes = await store.processes.list();
  const consumed = processes.filter(process => process.state === 'live').flatMap(process => process.queues);
  const preset = types.list().flatMap(type => type.queue ?? []);
  return [...new Set(['default', ...consumed, ...preset])].sort().slice(0, MAX_QUEUES);
}

async function readQueue({ store, broker }: ApiContext, name: string): Promise<Static<typeof QueueSchema>> {
  const filter = { queue: [name], state: ['waiting' as const] };
  const [depth, waiting, oldest] = await Promise.all([
    broker.depth({ to: 'queue', queue: name }),
    store.tasks.count(filter, COUNT_CAP),
    store.tasks.list(filter, { limit: 1, newestFirst: false }),
  ]);
  return {
    name,
    messages: depth?.messages ?? null,
    consumers: depth?.consumers ?? null,
    waiting,
    oldest: oldest.items[0]?.createdAt.toISOString() ?? null,
  };
}
