import { Type, type Static } from 'typebox';

import type { ProcessRecord } from '../core/process.js';
import type { ApiContext, ApiServer } from './context.js';
import { Time, listOf, orNull, wholeList } from './schemas.js';

const QueueSchema = Type.Object({
  name: Type.String(),
  messages: orNull(Type.Integer({ description: 'Hints in RabbitMQ; null when it cannot tell.' })),
  consumers: orNull(Type.Integer()),
  waiting: Type.Integer({ description: 'Waiting tasks, counted up to 10,000.' }),
  oldest: orNull(Time),
  oldestAgeSeconds: orNull(Type.Number({ description: 'How long the oldest of them has been there.' })),
});

const MAX_QUEUES = 100;
const COUNT_CAP = 10_000;

export function queueRoutes(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'listQueues',
    summary: 'Queues that workers consume, that task types name, or in which tasks wait',
    tags: ['queues'],
    response: { 200: listOf(QueueSchema) },
  };
  app.get('/queues', { schema }, async () => {
    const [processes, used, now] = await Promise.all([
      context.store.processes.list(),
      context.store.tasks.queues(MAX_QUEUES),
      context.serverTime.now(),
    ]);
    const expected = queueNames(processes, context.types);
    const names = [...new Set([...expected, ...used])].slice(0, MAX_QUEUES).sort();
    const queues = await Promise.all(names.map(name => readQueue(context, name, now)));
    return wholeList(queues.filter(({ name, waiting }) => waiting > 0 || expected.includes(name)));
  });
}

/** At most 100, so that nothing which is asked of each grows beyond. */
export function queueNames(processes: readonly ProcessRecord[], types: ApiContext['types']): string[] {
  const consumed = processes.filter(process => process.state === 'live').flatMap(process => process.queues);
  const preset = types.list().flatMap(type => type.queue ?? []);
  return [...new Set(['default', ...consumed, ...preset])].sort().slice(0, MAX_QUEUES);
}

async function readQueue({ store, broker }: ApiContext, name: string, now: Date): Promise<Static<typeof QueueSchema>> {
  const filter = { queue: [name], state: ['waiting' as const] };
  const [depth, waiting, oldest] = await Promise.all([
    broker.depth({ to: 'queue', queue: name }),
    store.tasks.count(filter, COUNT_CAP),
    store.tasks.list(filter, { limit: 1, newestFirst: false }),
  ]);
  const since = oldest.items[0]?.createdAt;
  return {
    name,
    messages: depth?.messages ?? null,
    consumers: depth?.consumers ?? null,
    waiting,
    oldest: since?.toISOString() ?? null,
    oldestAgeSeconds: since ? Math.max(0, now.getTime() - since.getTime()) / 1_000 : null,
  };
}
