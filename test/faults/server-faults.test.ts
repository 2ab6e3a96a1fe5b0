import { expect } from 'chai';
import { createAmqpBroker, type AmqpBroker } from '../../src/broker/amqp/broker.js';
import { DEFAULT_AMQP_TIMING, type BrokerLog } from '../../src/broker/amqp/options.js';
import type { Destination } from '../../src/broker/broker.js';
import type { Control, Hint } from '../../src/core/hint.js';
import { provideServers, type ProvidedServers, type RabbitServer } from '../../src/servers/servers.js';
import { until } from '../support/wait.js';
import { scratchFolder, withEnvironment } from '../unit/servers/scratch.js';
import { SERVERS_CACHE } from '../support/server-commands.js';
import { Inbox, isUp, start } from '../contract/broker/support.js';

const silent: BrokerLog = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };
const QUEUES = ['resource-manager', 'work.default', 'worker.worker@a', 'worker.worker@b'];
const work: Destination = { to: 'queue', queue: 'default' };
const cancel: Control = { kind: 'cancel', task: start(1).task };

/** A process as the broker sees it: it consumes something, and listens. */
class Process {
  readonly broker: AmqpBroker;
  readonly inboxes: { destination: Destination; inbox: Inbox }[];
  readonly heard: Control[] = [];

  constructor(url: string, destinations: Destination[]) {
    const timing = { ...DEFAULT_AMQP_TIMING, backoffMaxMs: 1_000 };
    this.broker = createAmqpBroker({ url, name: 'test', random: Math.random, log: silent }, timing);
    this.broker.onControl(message => this.heard.push(message));
    this.inboxes = destinations.map(destination => {
      const inbox = new Inbox({ ack: true });
      this.broker.consume(destination, 4, inbox.take);
      return { destination, inbox };
    });
  }

  get consumes(): boolean {
    const { state, consumers } = this.broker.status();
    return state === 'up' && consumers.every(consumer => consumer.consuming);
  }
}

describe('running processes go on, without being started anew, after', function () {
  this.timeout(180_000);
  const scratch = scratchFolder();
  let servers: ProvidedServers;
  let rabbit: RabbitServer;
  let processes: Process[] = [];

  before(async () => {
    servers = await withEnvironment({ INTERLOCK_SERVERS_CACHE: SERVERS_CACHE }, () =>
      provideServers({ directory: scratch.path, need: { mongo: false, amqp: true } }),
    );
    rabbit = servers.rabbit!;
  });

  after(async () => {
    await servers.stop();
    scratch.remove();
  });

  beforeEach(async () => {
    processes = [
      new Process(rabbit.url, [{ to: 'resource-manager' }]),
      new Process(rabbit.url, [work, { to: 'worker', worker: 'worker@a' }]),
      new Process(rabbit.url, [work, { to: 'worker', worker: 'worker@b' }]),
      new Process(rabbit.url, []),
    ];
    await Promise.all(processes.map(({ broker }) => broker.start()));
    await Promise.all(processes.map(({ broker }) => isUp(broker)));
    await allConsume();
  });

  afterEach(() => Promise.all(processes.map(({ broker }) => broker.close())));

  const allConsume = (): Promise<unknown> =>
    until('every consumer to consume', () => processes.every(process => process.consumes), { timeoutMs: 120_000 });

  /** Everybody consumes what they consumed before, and hears what everybody is told. */
  async function everythingWorks(): Promise<void> {
    await allConsume();
    const sender = processes.at(-1)!.broker;
    for (const process of processes) process.heard.length = 0;
    sender.broadcast(cancel);
    for (const { inboxes } of processes) {
      for (const { destination, inbox } of inboxes) {
        const hint: Hint = destination.to === 'resource-manager' ? { kind: 'changed', tasks: [] } : start(1);
        const before = inbox.deliveries.length;
        await until('a hint to arrive', async () => {
          expect(await sender.publish(hint, destination)).to.equal('confirmed');
          return inbox.deliveries.length > before;
        });
      }
    }
    await until('everybody to have heard', () => processes.every(({ heard }) => heard.length === 1));
  }

  /** Each has two connections. */
  const reconnected = (least = 2): Promise<unknown> =>
    until('everybody to be back', () => processes.every(({ broker }) => broker.status().reconnects >= least), {
      timeoutMs: 120_000,
    });

  it('a kill of the server with the loss of all its data', async () => {
    await rabbit.kill9();
    rabbit.wipe();
    await rabbit.start();
    await reconnected();
    await everythingWorks();
  });

  it('a restart, with the hints that nobody had consumed', async () => {
    const kept: Destination = { to: 'queue', queue: 'kept' };
    const sender = processes.at(-1)!.broker;
    for (let n = 1; n <= 3; n++) expect(await sender.publish(start(n), kept)).to.equal('confirmed');

    await rabbit.restart();
    await reconnected();
    await everythingWorks();

    await until('the hints', async () => (await sender.depth(kept))?.messages === 3);
  });

  it('an operator who closes all connections', async () => {
    await rabbit.ctl(['close_all_connections', 'maintenance']);
    await reconnected();
    await everythingWorks();
  });

  it('a pause of the server that is longer than heartbeats allow', async () => {
    rabbit.signal('SIGSTOP');
    await until('everybody to notice', () => processes.every(({ broker }) => broker.status().state === 'connecting'), {
      timeoutMs: 120_000,
    });
    rabbit.signal('SIGCONT');
    await reconnected(1); // the pause is over when one of the two is noticed to be dead, and may have been short enough for the other
    await everythingWorks();
  });

  it('the deletion of all queues, several times', async () => {
    for (let round = 1; round <= 3; round++) {
      for (const queue of QUEUES) await rabbit.ctl(['delete_queue', queue]);
      await until('their channels to be replaced', () =>
        processes.every(({ broker, inboxes }) => broker.status().recycles >= round * inboxes.length),
      );
      await allConsume();
    }
    await everythingWorks();
    for (const { broker } of processes) expect(broker.status().reconnects).to.equal(0);
  });

  it('the purge of all queues', async () => {
    for (const queue of QUEUES) await rabbit.ctl(['purge_queue', queue]);
    await everythingWorks();
    for (const { broker } of processes) expect(broker.status()).to.include({ reconnects: 0, recycles: 0 });
  });
});
