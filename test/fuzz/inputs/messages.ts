import { expect } from 'chai';
import fc from 'fast-check';

import { Consumer } from '../../../src/broker/amqp/consumer.js';
import { DeadLetters } from '../../../src/broker/amqp/dead-letters.js';
import { MuteQueues } from '../../../src/broker/amqp/mute-queues.js';
import { DEFAULT_AMQP_TIMING } from '../../../src/broker/amqp/options.js';
import type { Publisher } from '../../../src/broker/amqp/publisher.js';
import { namesWith, queueOf } from '../../../src/broker/amqp/topology.js';
import type { Destination } from '../../../src/broker/broker.js';
import type { Hint } from '../../../src/core/hint.js';
import { silentLog } from '../../../src/process/log.js';
import { until } from '../../support/wait.js';
import { FakeLink, type FakeChannel } from '../../unit/broker/fake-link.js';
import { garbled } from './garble.js';
import type { Stage } from './stage.js';

const ID = '0198c1f7-0000-7000-8000-0123456789ab';
const UUID = /^[0-9a-f-]{36}$/;
/** Of a message that is kept: what the dead queue takes of its body, and of the reason. */
const [BODY_BYTES, REASON_LENGTH] = [4_096, 200];
const names = namesWith('');
const timing = { ...DEFAULT_AMQP_TIMING, stallMs: 0, muteMs: 0 };

export interface Message {
  content: Buffer;
  properties: Record<string, unknown>;
}

export const properties = fc.record({
  contentType: fc.oneof(
    { weight: 5, arbitrary: fc.constant('application/json') },
    fc.constantFrom<unknown>(undefined, '', 'application/x-python-serialize', 'application/json; charset=utf-16', 7, {}),
  ),
  contentEncoding: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    fc.constantFrom<unknown>('gzip', '', 7, Buffer.from('x')),
  ),
  headers: fc.oneof(
    fc.constant(undefined),
    fc.constant({}),
    fc.dictionary(fc.string(), fc.anything({ maxDepth: 3 }), { maxKeys: 3 }),
  ),
  replyTo: fc.option(fc.string(), { nil: undefined }),
  appId: fc.constantFrom<unknown>(undefined, 'w1', '', 7, {}, '__proto__', 'x'.repeat(300)),
  messageId: fc.constantFrom<unknown>(undefined, '1', '2', '-1', '1e300', 'x', {}, Buffer.from('1')),
});

type Buried = Parameters<Publisher['send']>[0];

/** The dead queue takes everything, and what it took is kept. */
export function deadQueue(): { letters: DeadLetters; buried: Buried[] } {
  const buried: Buried[] = [];
  const publisher = { send: (message: Buried) => Promise.resolve((buried.push(message), 'confirmed')) };
  return { letters: new DeadLetters(names, publisher as unknown as Publisher, timing, silentLog), buried };
}

interface Consuming {
  channel: FakeChannel;
  take: (message: unknown) => void;
  queue: string;
  kind: Hint['kind'];
}

/** A consumer behind a connection that is none. */
async function consuming(destination: Destination, deadLetters: DeadLetters, hints: Hint[]): Promise<Consuming> {
  const link = new FakeLink();
  const queue = queueOf(names, destination);
  const consumer = new Consumer(10, {
    ...{ destination, names, timing, deadLetters, queue, log: silentLog, random: () => 0 },
    mute: new MuteQueues({ names, timing, log: silentLog, repair: () => Promise.resolve('repaired') }),
    onDelivery: delivery => {
      hints.push(delivery.hint);
      delivery.ack();
    },
    recycled: () => expect.fail('the channel was given up'),
    onClose: () => undefined,
  });
  await consumer.attach(link);
  const channel = link.channels.at(-1)!;
  const take = channel.consumers.values().next().value!;
  return { channel, take, queue: queue.name, kind: destination.to === 'resource-manager' ? 'changed' : 'start' };
}

function soundIn(hint: Hint, kind: Hint['kind']): void {
  expect(hint.kind).to.equal(kind);
  for (const id of hint.kind === 'start' ? [hint.task] : hint.tasks) expect(id).to.match(UUID);
}

/** Hints in every kind of queue: handed on once, or counted and kept once in the dead queue with a reason; acknowledged once whichever it is. */
export const hints: Stage<Message & { to: number }> = {
  name: 'hints',
  open: async () => {
    const { letters, buried } = deadQueue();
    const heard: Hint[] = [];
    const destinations = [{ to: 'queue', queue: 'default' }, { to: 'worker', worker: 'w' }, { to: 'resource-manager' }] as const;
    const consumers = await Promise.all(destinations.map(each => consuming(each, letters, heard)));
    const good = [
      { v: 1, kind: 'start', task: ID },
      { v: 1, kind: 'changed', tasks: [ID, ID] },
    ];
    return {
      input: fc.record({ to: fc.nat({ max: consumers.length - 1 }), content: garbled(good), properties }),
      judge: async ({ to, ...message }) => {
        const { channel, take, queue, kind } = consumers[to]!;
        const [acks, count] = [channel.acks, letters.count];
        heard.length = buried.length = 0;
        take(message);
        if (channel.acks === acks) await until('it to be acknowledged', () => channel.acks > acks, { everyMs: 1 });
        expect([channel.acks, channel.nacks]).to.deep.equal([acks + 1, 0]);
        expect([letters.count - count, buried.length], 'counted and kept').to.deep.equal(heard.length === 1 ? [0, 0] : [1, 1]);
        for (const hint of heard) soundIn(hint, kind);
        for (const letter of buried) keptIn(letter, message.content, queue);
        return `${kind}: ${heard.length === 1 ? 'handled' : 'dead queue'}`;
      },
      close: () => Promise.resolve(),
    };
  },
};

function keptIn({ exchange, key, body, headers }: Buried, content: Buffer, queue: string): void {
  expect([exchange, key]).to.deep.equal([names.tasks, names.dead]);
  expect(Buffer.from(body).equals(content.subarray(0, BODY_BYTES))).to.equal(true);
  const { 'x-reason': reason, ...others } = headers as { 'x-reason': string };
  expect(reason.length).to.be.within(1, REASON_LENGTH);
  expect(others).to.deep.equal({ 'x-queue': queue, 'x-bytes': content.length });
}
