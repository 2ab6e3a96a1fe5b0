import type { Channel } from 'amqplib';
import type { TaskEvent } from '../../core/event.js';
import { encodeEvent, routingKey } from '../../core/event-wire.js';
import { openChannel, whenEnded } from './channel.js';
import { explain } from './deadline.js';
import type { Link } from './link.js';
import type { BrokerLog } from './options.js';
import type { Names } from './topology.js';

/** Each has at most 1 KiB and what frames it, so that a quarter of a megabyte waits at most beside the hints of this connection. */
const UNSENT_AT_MOST = 256;

/** Sends events, unconfirmed and each at once or never, on a channel of its own beside that of the hints. */
export class EventEmitter {
  /** Numbers of its own say to listeners what is missing, also what was dropped here. */
  readonly #emitter: string;
  readonly #names: Names;
  readonly #log: BrokerLog;
  readonly #mayUse: () => boolean;
  #channel: Channel | undefined;
  #full = false;
  #number = 0;
  dropped = 0;

  /** `mayUse`: whether the connection takes messages. `emitter` is this one's for ever. */
  constructor(deps: { names: Names; log: BrokerLog; emitter: string; mayUse: () => boolean }) {
    this.#names = deps.names;
    this.#log = deps.log;
    this.#emitter = deps.emitter;
    this.#mayUse = deps.mayUse;
  }

  /** On a fresh connection. Any end of its channel ends that, which declares the exchange anew. */
  async open(link: Link): Promise<void> {
    const channel = await openChannel(link, UNSENT_AT_MOST);
    whenEnded(channel, cause => link.destroy(cause));
    channel.on('drain', () => (this.#full = false));
    this.#full = false;
    this.#channel = channel;
  }

  drop(): void {
    this.#channel = undefined;
  }

  emit(event: TaskEvent): void {
    const messageId = String(++this.#number);
    const channel = this.#channel;
    if (!channel || this.#full || !this.#mayUse()) {
      this.dropped++;
      return;
    }
    try {
      const options = { messageId, appId: this.#emitter, contentType: 'application/json' };
      const bytes = encodeEvent(event);
      this.#full = !channel.publish(
        this.#names.events,
        routingKey(event),
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        options,
      );
    } catch (error) {
      this.dropped++; // closed in this very moment
      this.#log.debug('could not emit', { task: event.id, cause: explain(error) });
    }
  }
}
