import { expect } from 'chai';
import type { Broker, Delivery, Destination } from '../../../src/broker/broker.js';
import type { Hint } from '../../../src/core/hint.js';
import { until } from '../../support/wait.js';

/** What a contract suite needs to know of an adapter. All brokers of one stand before the same server. */
export interface BrokerUnderTest {
  /** The broker of one more process, not started; it is closed after the test. */
  broker(): Broker;
  /** One that is up. */
  started(): Promise<Broker>;
  /** A queue of this name that no other suite uses, and how `status()` names it. */
  destination(name: string): Destination & { to: 'queue' };
  queue(name: string): string;
  /** A queue that is one worker's own. */
  worker(name: string): Destination & { to: 'worker' };
  /** What handlers threw, as the log or its like has it. */
  thrown(): string[];
  purge(destination: Destination): Promise<void>;
  deleteQueue(destination: Destination): Promise<void>;
  /** Every connection is lost once. */
  cut(): void;
  /** Whether the server can be reached; every connection is lost when it cannot. */
  setReachable(reachable: boolean): void;
}

export async function isUp(broker: Broker): Promise<void> {
  await until('the broker to be up', () => broker.status().state === 'up', { timeoutMs: 60_000 });
}

/** Each of its connections notices by itself, so that one may be gone for a while before the other is known to be. */
export async function isLost(broker: Broker): Promise<void> {
  await until('the loss to be noticed', () => {
    const { state, consumers } = broker.status();
    return state === 'connecting' && consumers.every(({ consuming }) => !consuming);
  });
}

export async function isConsuming(broker: Broker, queue: string): Promise<void> {
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
