import type { TcpProxy } from '../../support/tcp-proxy.js';
import { Fixture } from './fixture.js';
import type { BrokerUnderTest } from './support.js';

/** RabbitMQ, reached through one proxy. Registers its own hooks. */
export function amqpUnderTest(): BrokerUnderTest {
  let fixture: Fixture;
  let proxy: TcpProxy;

  before(async () => {
    fixture = await Fixture.open();
    proxy = await fixture.proxy();
  });
  afterEach(async () => {
    proxy.set('pass');
    await fixture.closeBrokers();
  });
  after(() => fixture.close());

  return {
    broker: () => fixture.broker({ proxy }),
    started: () => fixture.started({ proxy }),
    destination: name => fixture.destination(name),
    queue: name => fixture.queue(`work.${name}`),
    worker(name) {
      fixture.queue(`worker.${name}`);
      return { to: 'worker', worker: name };
    },
    thrown: () => fixture.lines.filter(line => line.level === 'error').map(line => String(line.fields.cause)),
    async purge(destination) {
      await fixture.raw.on(channel => channel.purgeQueue(fixture.nameOf(destination)));
    },
    deleteQueue: destination => fixture.raw.deleteQueue(fixture.nameOf(destination)),
    cut: () => proxy.cut(),
    setReachable: reachable => proxy.set(reachable ? 'pass' : 'reset'),
  };
}
