import { expect } from 'chai';
import { createAmqpBroker, type AmqpBroker } from '../../../src/broker/amqp/broker.js';
import { DEFAULT_AMQP_TIMING } from '../../../src/broker/amqp/options.js';
import { silentLog } from '../../../src/process/log.js';
import { freePort } from '../../support/deployment.js';
import { testServers } from '../../support/servers.js';
import { until } from '../../support/wait.js';
import { Fixture } from './fixture.js';
import { isUp, start } from './support.js';

describe('an address with several hosts', () => {
  let fixture: Fixture;
  let broker: AmqpBroker;

  before(async () => {
    fixture = await Fixture.open();
  });
  afterEach(() => broker.close());
  after(() => fixture.close());

  /** Starts with the first host. */
  function brokerOn(ports: number[]): AmqpBroker {
    const { host } = new URL(testServers().amqpUrl);
    const url = testServers().amqpUrl.replace(host, ports.map(port => `127.0.0.1:${port}`).join(','));
    const timing = { ...DEFAULT_AMQP_TIMING, backoffMaxMs: 1_000 };
    broker = createAmqpBroker({ url, name: 'hosts', prefix: fixture.prefix, random: () => 0, log: silentLog }, timing);
    return broker;
  }

  it('is connected to by whichever of them answers', async () => {
    const proxy = await fixture.proxy();
    await brokerOn([await freePort(), await freePort(), proxy.port]).start();
    await isUp(broker);
    expect(await broker.publish(start(1), fixture.destination('first'))).to.equal('confirmed');
  });

  it('is left for the next one when the present host is lost', async () => {
    const [first, second] = [await fixture.proxy(), await fixture.proxy()];
    await brokerOn([first.port, second.port]).start();
    await isUp(broker);

    first.set('reset');
    await until('both connections are back', () => broker.status().reconnects === 2 && broker.status().state === 'up');
    expect(await broker.publish(start(2), fixture.destination('next'))).to.equal('confirmed');
    expect(second.open).to.equal(2);
  });
});
