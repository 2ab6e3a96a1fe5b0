import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { encode, MAX_HINT_BYTES, type Hint } from '../../../src/core/hint.js';
import { until } from '../../support/wait.js';
import { Fixture } from './fixture.js';
import { Inbox, isConsuming, start } from './support.js';

const JSON_TYPE = { contentType: 'application/json' };
const good = Buffer.from(encode(start(1)));
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const nested = (levels: number): unknown => (levels === 0 ? {} : { deeper: nested(levels - 1) });

const garbage: [what: string, body: Buffer, reason: RegExp, properties?: Record<string, unknown>][] = [
  ['an empty body', Buffer.alloc(0), /not JSON/],
  ['text that is not JSON', Buffer.from('start please'), /not JSON/],
  ['a truncated hint', good.subarray(0, good.length - 5), /not JSON/],
  ['a byte order mark', Buffer.concat([Buffer.from('efbbbf', 'hex'), good]), /not JSON/],
  ['null', json(null), /not an object/],
  ['an array', json([start(1)]), /not an object/],
  ['a string', json('x'), /not an object/],
  ['compressed bytes', gzipSync(good), /content encoding gzip/, { contentEncoding: 'gzip' }],
  ['compressed bytes that do not say so', gzipSync(good), /not JSON/],
  ['no version', json(start(1)), /version undefined/],
  ['a newer version', json({ v: 2, ...start(1) }), /version 2/],
  ['a version that cannot be text', json({ v: { toString: null }, ...start(1) }), /version of another type/],
  ['no task', json({ v: 1, kind: 'start' }), /neither/],
  ['an operator object for an id', json({ v: 1, kind: 'start', task: { $gt: '' } }), /neither/],
  ['a polluting key', Buffer.from('{"__proto__": {"v": 1}, "kind": "start"}'), /version undefined/],
  [
    'a hint of another queue',
    Buffer.from(encode({ kind: 'changed', tasks: [start(1).task] } satisfies Hint)),
    /changed hint in this queue/,
  ],
  [
    'a pickle',
    Buffer.from('80049503', 'hex'),
    /content type application\/x-python-serialize/,
    { contentType: 'application/x-python-serialize' },
  ],
  ['no content type', good, /content type missing/, { contentType: undefined }],
  ['a large body', Buffer.alloc(10_000_000, 'x'), new RegExp(`10000000 bytes, at most ${MAX_HINT_BYTES}`)],
  ['a verb of a control message', json({ v: 1, kind: 'cancel', task: start(1).task }), /neither/],
];

describe('messages that are no hints of ours', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  it('end in the dead queue with a reason, once each, while hints behind them are handled', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('garbage');
    const queue = fixture.queue('work.garbage');
    const inbox = new Inbox({ ack: true });
    broker.consume(destination, 1, inbox.take);
    await isConsuming(broker, queue);

    for (const [, body, , properties] of garbage) {
      await fixture.raw.on(channel => Promise.resolve(channel.sendToQueue(queue, body, { ...JSON_TYPE, ...properties })));
    }
    await broker.publish(start(99), destination);
    await inbox.has(1);

    expect(inbox.numbers).to.deep.equal([99]);
    for (const [what, body, reason] of garbage) {
      const message = await fixture.take(`${fixture.prefix}interlock.dead`);
      expect(message.properties.headers?.['x-reason'], what).to.match(reason);
      expect(message.properties.headers, what).to.include({ 'x-queue': queue, 'x-bytes': body.length });
      expect(message.content.equals(body.subarray(0, 4_096)), what).to.equal(true);
    }
    await until('nothing to be left', async () => (await broker.depth(destination))?.messages === 0);
    expect(await fixture.raw.depth(`${fixture.prefix}interlock.dead`)).to.deep.equal({ messages: 0, consumers: 0 });
    expect(broker.status()).to.include({ dead: garbage.length, recycles: 0, reconnects: 0 });
    expect(broker.status().deadBy).to.deep.equal({ size: 1, format: 11, version: 1, content: 7 });
  });

  it('are told by type and body alone: odd headers and properties of a good hint change nothing', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('headers');
    const queue = fixture.queue('work.headers');
    const inbox = new Inbox({ ack: true });
    broker.consume(destination, 1, inbox.take);
    await isConsuming(broker, queue);

    const properties: Record<string, unknown>[] = [
      { headers: { deep: nested(50) } },
      { headers: { much: 'x'.repeat(60_000) } },
      {
        headers: {
          when: { '!': 'timestamp', value: 1 },
          bytes: Buffer.alloc(10),
          none: null,
          price: { '!': 'decimal', value: { places: 2, digits: 1 } },
        },
      },
      { headers: { 'x-delivery-count': 19, 'x-death': 'not what it seems' } },
      {
        replyTo: queue,
        CC: [`${queue}.else`],
        expiration: '3600000',
        priority: 200,
        correlationId: 'x',
        type: 'eval',
        appId: 'someone',
      },
    ];
    for (const odd of properties) {
      await fixture.raw.on(channel => Promise.resolve(channel.sendToQueue(queue, good, { ...JSON_TYPE, ...odd })));
    }

    await inbox.has(properties.length);
    expect(broker.status()).to.include({ dead: 0, recycles: 0, reconnects: 0 });
  });

  it('are acknowledged even when they cannot be kept', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('unkept');
    const queue = fixture.queue('work.unkept');
    const inbox = new Inbox({ ack: true });
    broker.consume(destination, 1, inbox.take);
    await isConsuming(broker, queue);
    await fixture.raw.on(channel =>
      channel.unbindQueue(
        `${fixture.prefix}interlock.dead`,
        `${fixture.prefix}interlock.tasks`,
        `${fixture.prefix}interlock.dead`,
      ),
    );

    await fixture.raw.on(channel => Promise.resolve(channel.sendToQueue(queue, Buffer.from('x'), JSON_TYPE)));
    await broker.publish(start(1), destination);

    await inbox.has(1);
    expect(broker.status().dead).to.equal(1);
  });

  it('end there with their first bytes also at 100 MB, where RabbitMQ takes so much', async function () {
    const broker = await fixture.started();
    // From 4.0 on it takes no message above 16 MiB.
    if (Number.parseInt(broker.status().version ?? '', 10) >= 4) this.skip();
    const destination = fixture.destination('huge');
    const queue = fixture.queue('work.huge');
    const inbox = new Inbox({ ack: true });
    broker.consume(destination, 1, inbox.take);
    await isConsuming(broker, queue);
    const size = 100_000_000;
    await fixture.raw.on(channel => Promise.resolve(channel.sendToQueue(queue, Buffer.alloc(size, 'x'), JSON_TYPE)));
    await broker.publish(start(1), destination);

    await inbox.has(1);
    const message = await fixture.take(`${fixture.prefix}interlock.dead`);
    expect(message.properties.headers).to.include({ 'x-bytes': size });
    expect(message.content.length).to.equal(4_096);
    expect(broker.status()).to.include({ dead: 1, recycles: 0, reconnects: 0 });
  });
}).timeout(60_000);
