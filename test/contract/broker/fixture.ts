import { expect } from 'chai';
import type { GetMessage } from 'amqplib';
import { createAmqpBroker, type AmqpBroker } from '../../../src/broker/amqp/broker.js';
import { DEFAULT_AMQP_TIMING, type AmqpTiming, type BrokerLog } from '../../../src/broker/amqp/options.js';
import type { Delivery, Destination } from '../../../src/broker/broker.js';
import type { Hint } from '../../../src/core/hint.js';
import { freshPrefix, RawAmqp } from '../../support/amqp.js';
import { testServers } from '../../support/servers.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/wait.js';

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

  /** A broker that is not started. Back-off is short, and the URL may lead through a proxy. */
  broker(options: { proxy?: TcpProxy; heartbeatS?: number; timing?: Partial<AmqpTiming> } = {}): AmqpBroker {
    const url = new URL(options.proxy?.url(testServers().amqpUrl) ?? testServers().amqpUrl);
    if (options.heartbeatS !== undefined) url.searchParams.set('heartbeat', String(options.heartbeatS));
    const broker = createAmqpBroker(
      { url: url.href, name: `test ${this.prefix}`, prefix: this.prefix, random: Math.random, log: this.#log() },
      { ...DEFAULT_AMQP_TIMING, backoffMaxMs: 1_000, ...options.timing },
    );
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

  async proxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.before(testServers().amqpUrl, 5_672);
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

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map(broker => broker.close()));
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

export async function isUp(broker: AmqpBroker): Promise<void> {
  await until('the broker to be up', () => broker.status().state === 'up', { timeoutMs: 60_000 });
}

export async function isConsuming(broker: AmqpBroker, queue: string): Promise<void> {
  await until(`${queue} to be consumed`, () => broker.status().consumers.some(c => c.queue === queue && c.consuming), {
    timeoutMs: 60_000,
  });
}

/** A hint whose task is numbered, so that a test can tell hints apart. */
export function start(n: number): Hint & { kind: 'start' } {
  return { kind: 'start', task: `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}` };
}

/** Collects deliveries; acknowledges each at once when told so. */
export class Inbox {
  readonly deliveries: Delivery[] = [];
  readonly take: (delivery: Delivery) => void;

  constructor(options: { ack: boolean }) {
    this.take = delivery => {
      this.deliveries.push(delivery);
      if (options.ack) delivery.ack();
    };
  }

  /** Numbers of the tasks hinted at, in order of arrival. */
  get numbers(): number[] {
    return this.deliveries.map(({ hint }) => (hint.kind === 'start' ? parseInt(hint.task.slice(-12), 16) : -1));
  }

  async has(count: number): Promise<void> {
    await until(`${count} deliveries`, () => this.deliveries.length >= count);
    expect(this.deliveries).to.have.lengthOf(count);
  }
}
