import { expect } from 'chai';
import fc from 'fast-check';

import { Consumer } from '../../../src/broker/amqp/consumer.js';
import { DeadLetters } from '../../../src/broker/amqp/dead-letters.js';
import { MuteQueues } from '../../../src/broker/amqp/mute-queues.js';
import { DEFAULT_AMQP_TIMING } from '../../../src/broker/amqp/options.js';
import type { Publisher } from '../../../src/broker/amqp/publisher.js';
import { namesWith, queueOf } from '../../../src/broker/amqp/topology.js';
import { decodeEvent, encodeEvent } from '../../../src/core/event-wire.js';
import { decodeControl, encode, type Hint } from '../../../src/core/hint.js';
import { silentLog } from '../../../src/process/log.js';
import { eventNumber } from '../../contract/broker/events.contract.js';
import { until } from '../../support/wait.js';
import { FakeLink } from '../../unit/broker/fake-link.js';
import { garbled } from './garble.js';
import type { Door, Stage } from './stage.js';

const ID = '0198c1f7-0000-7000-8000-0123456789ab';
const UUID = /^[0-9a-f-]{36}$/;
const values = (...messages: Uint8Array[]): unknown[] =>
  messages.map(bytes => JSON.parse(Buffer.from(bytes).toString()) as unknown);

interface Message {
  content: Buffer;
  properties: Record<string, unknown>;
}

const properties = fc.record({
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
});

/** One consumer behind a connection that is none; what it has of a broker is that each message must be acknowledged once. */
async function consumer(): Promise<Door<Message>> {
  const names = namesWith('');
  const timing = { ...DEFAULT_AMQP_TIMING, stallMs: 0, muteMs: 0 };
  const link = new FakeLink();
  const mute = new MuteQueues({ names, timing, log: silentLog, repair: () => Promise.resolve('repaired') });
  // The dead queue takes everything.
  const publisher = { send: () => Promise.resolve('confirmed') } as unknown as Publisher;
  const destination = { to: 'queue', queue: 'default' } as const;
  const hints: Hint[] = [];
  const consumed = new Consumer(10, {
    ...{ destination, names, timing, mute, deadLetters: new DeadLetters(names, publisher, timing, silentLog) },
    ...{ queue: queueOf(names, destination), log: silentLog, random: () => 0 },
    onDelivery: delivery => {
      hints.push(delivery.hint);
      delivery.ack();
    },
    recycled: () => expect.fail('the channel was given up'),
    onClose: () => undefined,
  });
  await consumed.attach(link);
  const channel = link.channels.at(-1)!;
  const take = channel.consumers.values().next().value!;
  return {
    input: fc.record({
      content: garbled([
        { v: 1, kind: 'start', task: ID },
        { v: 1, kind: 'changed', tasks: [ID, ID] },
      ]),
      properties,
    }),
    judge: async message => {
      const before = channel.acks;
      hints.length = 0;
      take(message);
      if (channel.acks === before) await until('it to be acknowledged', () => channel.acks > before, { everyMs: 1 });
      expect([channel.acks, channel.nacks]).to.deep.equal([before + 1, 0]);
      for (const hint of hints) expect(hint).to.deep.include({ kind: 'start' }).and.have.property('task').that.matches(UUID);
      return hints.length === 1 ? 'handled' : 'dead queue';
    },
    close: () => Promise.resolve(),
  };
}

export const hints: Stage<Message> = { name: 'hints', open: consumer };

/** What every process reads of the exchanges of control messages and events. */
export const broadcasts: Stage<Buffer> = {
  name: 'control messages and events',
  open: () => {
    const control = values(
      encode({ kind: 'cancel', task: ID }),
      encode({ kind: 'wish', worker: 'w' }),
      encode({ kind: 'ended', tasks: [ID] }),
    );
    const event = {
      ...eventNumber(1),
      worker: 'w',
      group: ID,
      progress: [{ code: 'c', message: 'm', done: 1, total: 2, suffix: null, state: 'running' }],
    };
    const events = values(encodeEvent(eventNumber(1)), encodeEvent(event as never));
    return Promise.resolve({
      input: garbled([...control, ...events]),
      judge: bytes => {
        const [asControl, asEvent] = [decodeControl(bytes), decodeEvent(bytes)];
        if (asControl.ok) {
          expect(['cancel', 'wish', 'ended']).to.include(asControl.value.kind);
          expect(decodeControl(encode(asControl.value))).to.deep.equal(asControl);
        }
        // What was read can be told again, and is the same then.
        if (asEvent.ok) expect(decodeEvent(encodeEvent(asEvent.value)).ok).to.equal(true);
        return asControl.ok ? 'control message' : asEvent.ok ? 'event' : 'refused';
      },
      close: () => Promise.resolve(),
    });
  },
};
