// BullMQ: `about`, `enqueue` and `work`, as the environment variable PEER asks.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

import { answer, asked, kindsBefore, measuredBody, seconds, versionOf } from './body.mjs';

const connect = () => new Redis({ ...asked.redis, maxRetriesPerRequest: null });

async function about() {
  const redis = connect();
  const [, appendonly] = await redis.config('GET', 'appendonly');
  const [, appendfsync] = await redis.config('GET', 'appendfsync');
  const server = /redis_version:(\S+)/.exec(await redis.info('server'))[1];
  redis.disconnect();
  answer({
    versions: { bullmq: versionOf('bullmq'), ioredis: versionOf('ioredis'), redis: server },
    settings: { appendonly, appendfsync },
  });
}

async function enqueue() {
  const queue = new Queue(asked.queue, { connection: connect() });
  await queue.waitUntilReady();
  const jobs = kinds => kinds.map(kind => ({ name: 'nothing', data: { kind } }));
  await queue.addBulk(jobs(kindsBefore(asked)));
  const enqueueSeconds = await seconds(async () => {
    for (let left = asked.tasks; left > 0; left -= asked.batch) {
      await queue.addBulk(jobs(Array(Math.min(left, asked.batch)).fill('measured')));
    }
  });
  answer({ enqueueSeconds });
}

async function work() {
  const queue = new Queue(asked.queue, { connection: connect() });
  const before = asked.warmUp + asked.slots;
  const { body, result } = measuredBody(asked, async () => (await queue.getCompletedCount()) - before);
  const worker = new Worker(asked.queue, job => body(job.data.kind), { connection: connect(), concurrency: asked.slots });
  worker.on('error', error => console.error(error));
  answer(await result());
  await worker.close();
}

await { about, enqueue, work }[asked.command]();
process.exit(0);
