import type { ConsumeMessage } from 'amqplib';
import type { Misread, Misreading } from '../../core/hint.js';
import type { AmqpTiming, BrokerLog } from './options.js';
import type { Publisher } from './publisher.js';
import { deadQueue, type Names } from './topology.js';

/** Enough to see what it was. The rest of a stranger's 128 MiB is not copied. */
const BODY_AT_MOST = 4_096;

/** Where messages go that are no hints of ours: kept in a bounded queue for whoever wants to know, and counted. */
export class DeadLetters {
  readonly #counts = { size: 0, format: 0, version: 0, content: 0 } satisfies Record<Misreading, number>;
  readonly #names: Names;
  readonly #publisher: Publisher;
  readonly #timing: AmqpTiming;
  readonly #log: BrokerLog;

  constructor(names: Names, publisher: Publisher, timing: AmqpTiming, log: BrokerLog) {
    this.#names = names;
    this.#publisher = publisher;
    this.#timing = timing;
    this.#log = log;
  }

  get count(): number {
    return Object.values(this.#counts).reduce((sum, each) => sum + each, 0);
  }

  get counts(): Readonly<Record<Misreading, number>> {
    return { ...this.#counts };
  }

  /** Publishes a copy with the reason, on the other connection: an alarm that blocks it must not block acknowledging. Never rejects. */
  async bury(message: ConsumeMessage, queue: string, misread: Misread): Promise<void> {
    this.record(queue, misread);
    await this.#publisher.send(
      {
        exchange: this.#names.tasks,
        key: this.#names.dead,
        queue: deadQueue(this.#names),
        body: message.content.subarray(0, BODY_AT_MOST),
        durable: true,
        headers: { 'x-reason': misread.reason.slice(0, 200), 'x-queue': queue, 'x-bytes': message.content.length },
      },
      performance.now() + this.#timing.publishMs,
    );
  }

  /** One line for the 1st, 2nd, 4th, 8th …: a flood of garbage must not become a flood of lines. */
  record(queue: string, { why, reason }: Misread): void {
    this.#counts[why]++;
    const { count } = this;
    if (Number.isInteger(Math.log2(count))) this.#log.warn('a message is no hint of ours', { queue, reason, so_far: count });
  }
}
