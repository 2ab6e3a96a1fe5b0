import type { Channel, ChannelModel } from 'amqplib';
import { EventEmitter } from 'node:events';
import type { Link } from '../../../src/broker/amqp/link.js';

export interface Published {
  key: string;
  options: { messageId: string; mandatory: boolean };
  confirm: (failure: Error | null) => void;
}

/** A channel that does what the test says; what it is asked is kept. */
export class FakeChannel extends EventEmitter {
  readonly published: Published[] = [];
  readonly consumers = new Map<string, (message: unknown) => void>();
  readonly declared: string[] = [];
  queue = { messageCount: 0, consumerCount: 1 };
  acks = 0;
  closed = false;
  nacks = 0;

  publish(...[, key, , options, confirm]: [string, string, Buffer, Published['options'], Published['confirm']]): boolean {
    this.published.push({ key, options, confirm });
    return true;
  }

  return(published: Published): void {
    this.emit('return', { properties: { messageId: published.options.messageId } });
  }

  checkExchange = async (): Promise<object> => Promise.resolve({});
  bindQueue = async (): Promise<object> => Promise.resolve({});
  prefetch = async (): Promise<object> => Promise.resolve({});
  checkQueue = async (): Promise<object> => Promise.resolve(this.queue);

  assertQueue = async (name: string): Promise<object> => {
    this.declared.push(name);
    return Promise.resolve({ queue: name });
  };

  consume = async (_queue: string, take: (message: unknown) => void, options: { consumerTag: string }): Promise<object> => {
    this.consumers.set(options.consumerTag, take);
    return Promise.resolve({});
  };

  cancel = async (tag: string): Promise<object> => {
    this.consumers.delete(tag);
    return Promise.resolve({});
  };

  ack(): void {
    this.acks++;
  }

  nack(): void {
    this.nacks++;
  }

  close = async (): Promise<void> => {
    this.closed = true;
    this.emit('close');
    return Promise.resolve();
  };
}

/** A connection that opens fake channels. */
export class FakeLink implements Link {
  readonly channels: FakeChannel[] = [];
  readonly events = new EventEmitter();
  readonly version = '3.10.8';
  /** Makes a fresh channel do something else. */
  opening: (channel: FakeChannel) => void = () => undefined;
  readonly #gone = new AbortController();

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get model(): ChannelModel {
    const open = async (): Promise<Channel> => {
      const channel = new FakeChannel();
      this.channels.push(channel);
      this.opening(channel);
      return Promise.resolve(channel as unknown as Channel);
    };
    const model = Object.assign(this.events, { createChannel: open, createConfirmChannel: open });
    return model as unknown as ChannelModel;
  }

  destroy(cause: Error): void {
    this.#gone.abort(cause);
  }
}
