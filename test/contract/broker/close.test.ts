import { expect } from 'chai';
import { until } from '../../support/wait.js';
import { Fixture } from './fixture.js';
import { isConsuming, start } from './support.js';

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

  it('ends both connections', async () => {
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
}).timeout(60_000);
