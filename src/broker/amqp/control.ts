import type { ConsumeMessage } from 'amqplib';
import { decodeControl, type Control } from '../../core/hint.js';
import { openChannel, whenEnded } from './channel.js';
import type { DeadLetters } from './dead-letters.js';
import { explain } from './deadline.js';
import type { Link } from './link.js';
import type { BrokerLog } from './options.js';
import { declareControlQueue, type Names } from './topology.js';

/** Listens to what is said to every process. Messages missed while disconnected are gone: the record holds the truth of a cancel. */
export class ControlListener {
  readonly #names: Names;
  readonly #deadLetters: DeadLetters;
  readonly #log: BrokerLog;
  readonly #handlers: ((message: Control) => void)[] = [];

  constructor(names: Names, deadLetters: DeadLetters, log: BrokerLog) {
    this.#names = names;
    this.#deadLetters = deadLetters;
    this.#log = log;
  }

  onControl(handler: (message: Control) => void): void {
    this.#handlers.push(handler);
  }

  /** Its queue is exclusive to the connection, so nothing but the end of both can end it; if something does, the connection goes too. */
  async open(link: Link): Promise<void> {
    const channel = await openChannel(link);
    whenEnded(channel, cause => link.destroy(cause));
    const queue = await declareControlQueue(channel, this.#names);
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) link.destroy(new Error('the broker cancelled the control consumer'));
      else this.#dispatch(message);
    };
    // Nothing to acknowledge: it is handled in this turn, or lost with the process.
    await channel.consume(queue, onMessage, { noAck: true, exclusive: true });
  }

  #dispatch(message: ConsumeMessage): void {
    const decoded = decodeControl(message.content);
    if (!decoded.ok) {
      this.#deadLetters.record(this.#names.control, decoded);
      return;
    }
    for (const handler of this.#handlers) {
      try {
        handler(decoded.value);
      } catch (error) {
        this.#log.error('a handler of control messages threw', { cause: explain(error) });
      }
    }
  }
}
