import { expect } from 'chai';
import { until } from '../../support/wait.js';
import { Fixture, Inbox, isConsuming, start } from './fixture.js';

/** Generous for a loaded machine; what it must not be is the 15 s of a heartbeat, or never. */
const SOON_MS = 6_000;

async function timed(closing: Promise<void>): Promise<number> {
  const began = performance.now();
  await closing;
  return performance.now() - began;
}

describe('closing the broker client', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  it('ends both connections and may be repeated', async () => {
    const proxy = await fixture.proxy();
    const broker = await fixture.started({ proxy });
    broker.consume(fixture.destination('plain'), 1, () => undefined);
    expect(proxy.open).to.equal(2);

    await Promise.all([broker.close(), broker.close()]);
    await broker.close();

    await until('no connection to be left', () => proxy.open === 0);
    expect(broker.status().state).to.equal('closed');
    expect(broker.phases()).to.deep.equal({ publish: 'closed', consume: 'closed' });
    expect(await broker.publish(start(1), fixture.destination('plain'))).to.equal('deferred');
  });

  it('lets the last acknowledgements reach the broker', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('last-acks');
    const inbox = new Inbox({ ack: false });
    for (let n = 1; n <= 20; n++) await broker.publish(start(n), destination);
    broker.consume(destination, 20, inbox.take);
    await inbox.has(20);

    for (const delivery of inbox.deliveries) delivery.ack();
    await broker.close();

    await until(
      'the consumer to be gone',
      async () => (await fixture.raw.depth(fixture.queue('work.last-acks')))?.consumers === 0,
    );
    expect(await fixture.raw.depth(fixture.queue('work.last-acks'))).to.deep.equal({ messages: 0, consumers: 0 });
  });

  it('does not wait for a broker that has fallen silent', async () => {
    const proxy = await fixture.proxy();
    const broker = await fixture.started({ proxy });
    broker.consume(fixture.destination('silent'), 1, () => undefined);
    await isConsuming(broker, fixture.queue('work.silent'));
    proxy.set('blackhole');
    const publishing = broker.publish(start(1), fixture.destination('silent'));

    expect(await timed(broker.close())).to.be.below(SOON_MS);
    expect(await publishing).to.equal('deferred');
  });

  it('does not wait for a connection that is still being made', async () => {
    const proxy = await fixture.proxy();
    proxy.set('blackhole');
    const broker = fixture.broker({ proxy, timing: { connectMs: 60_000 } });
    const starting = broker.start();
    await until('the attempts', () => proxy.accepted >= 2);

    expect(await timed(broker.close())).to.be.below(SOON_MS);
    await starting;
  });

  it('needs no start before it', async () => {
    const broker = fixture.broker();
    await broker.close();
    await broker.start();
    expect(broker.status().state).to.equal('closed');
  });
}).timeout(60_000);
