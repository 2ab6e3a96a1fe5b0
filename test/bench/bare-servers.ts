import { randomUUID } from 'node:crypto';

import { connect } from 'amqplib';
import { MongoClient } from 'mongodb';

import { eachAddress } from '../../src/core/address-list.js';
import type { TestServers } from '../support/servers.js';

/** Both servers without Interlock between: what a write and a message cost by themselves. */
export interface BareServers {
  /** Resolves when a majority has inserted one small document. */
  write(): Promise<void>;
  /** Resolves when a persistent message has gone through a quorum queue, and is confirmed and acknowledged. */
  message(): Promise<void>;
  close(): Promise<void>;
}

export async function openBareServers({ mongoUrl, amqpUrl }: TestServers): Promise<BareServers> {
  const client = await MongoClient.connect(mongoUrl, { serverSelectionTimeoutMS: 5_000, socketTimeoutMS: 60_000 });
  const db = client.db(`bench_bare_${process.pid}`);
  const documents = db.collection('documents', { writeConcern: { w: 'majority' } });
  await documents.insertOne({ about: 'creates the collection' });

  const model = await connect(eachAddress(amqpUrl)[0] ?? amqpUrl);
  const channel = await model.createConfirmChannel();
  const queue = `bench-${randomUUID()}`;
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  let arrived: () => void = () => undefined;
  await channel.consume(queue, message => {
    if (message) channel.ack(message);
    arrived();
  });

  return {
    write: async () => {
      await documents.insertOne({ about: 'a task', at: new Date() });
    },
    message: async () => {
      const consumed = new Promise<void>(resolve => (arrived = resolve));
      channel.sendToQueue(queue, Buffer.from('{"kind":"start"}'), { persistent: true });
      await Promise.all([channel.waitForConfirms(), consumed]);
    },
    close: async () => {
      await channel.deleteQueue(queue);
      await model.close();
      await db.dropDatabase();
      await client.close();
    },
  };
}
