import type { GetMessage } from 'amqplib';
import { createAmqpBroker, type AmqpBroker } from '../../../src/broker/amqp/broker.js';
import { DEFAULT_AMQP_TIMING, type AmqpOptions, type AmqpTiming, type BrokerLog } from '../../../src/broker/amqp/options.js';
import { namesWith, queueOf } from '../../../src/broker/amqp/topology.js';
import type { Destination } from '../../../src/broker/broker.js';
import { freshPrefix, RawAmqp } from '../../support/amqp.js';
import { testServers } from '../../support/servers.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/wait.js';
import { isUp } from './support.js';

interface Line {
  level: keyof BrokerLog;
  message: string;
  fields: Record<string, unknown>;
}

/** The brokers of one test file, under a prefix of their own. */
export class Fixture {
  readonly prefix = freshPrefix();
  readonly lines: Line[] = [];
  readonly raw: RawAmqp;
  readonly #brokers: AmqpBroker[] = [];
  readonly #proxies: TcpProxy[] = [];
  readonly #queues = new Set<string>();

  private constructor(raw: RawAmqp) {
    this.raw = raw;
  }

  static async open(): Promise<Fixture> {
    return new Fixture(await RawAmqp.connect());
  }

  options(): AmqpOptions {
    const name = `test ${this.prefix}`;
    return { url: testServers().amqpUrl, name, prefix: this.prefix, random: Math.random, log: this.#log() };
  }

  /** A broker that is not started. Back-off is short, and the URL may lead through a proxy. */
  broker(options: { proxy?: TcpProxy; heartbeatS?: number; timing?: Partial<AmqpTiming> } = {}): AmqpBroker {
    const url = new URL(options.proxy?.url(testServers().amqpUrl) ?? testServers().amqpUrl);
    if (options.heartbeatS !== undefined) url.searchParams.set('heartbeat', String(options.heartbeatS));
    const timing = { ...DEFAULT_AMQP_TIMING, backoffMaxMs: 1_000, ...options.timing };
    const broker = createAmqpBroker({ ...this.options(), url: url.href }, timing);
    this.#brokers.push(broker);
    return broker;
  }

  /** A broker that is up. */
  async started(options: Parameters<Fixture['broker']>[0] = {}): Promise<AmqpBroker> {
    const broker = this.broker(options);
    await broker.start();
    await isUp(broker);
    return broker;
  }

  async proxy(options: Parameters<typeof TcpProxy.before>[2] = {}): Promise<TcpProxy> {
    const proxy = await TcpProxy.before(testServers().amqpUrl, 5_672, options);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** The full name of a queue on the broker; it is deleted at the end. */
  queue(name: string): string {
    this.#queues.add(name);
    return this.prefix + name;
  }

  /** A destination of its own for one test. */
  destination(name: string): Destination & { to: 'queue' } {
    this.queue(`work.${name}`);
    return { to: 'queue', queue: name };
  }

  /** Takes one ready message away, as it is on the broker. */
  async take(queue: string): Promise<GetMessage> {
    return until(`a message in ${queue}`, async () => {
      const message = await this.raw.on(channel => channel.get(queue, { noAck: true }));
      return message === false ? undefined : message;
    });
  }

  /** The full name of the queue behind a destination. */
  nameOf(destination: Destination): string {
    return queueOf(namesWith(this.prefix), destination).name;
  }

  async closeBrokers(): Promise<void> {
    await Promise.all(this.#brokers.splice(0).map(broker => broker.close()));
  }

  async close(): Promise<void> {
    await this.closeBrokers();
    await Promise.all(this.#proxies.map(proxy => proxy.close()));
    await this.raw.cleanUp(this.prefix, [...this.#queues]);
    await this.raw.close();
  }

  #log(): BrokerLog {
    const line =
      (level: keyof BrokerLog) =>
      (message: string, fields: Record<string, unknown> = {}): void =>
        void this.lines.push({ level, message, fields });
    return { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') };
  }
}
