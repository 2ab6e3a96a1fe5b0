import type { ConsumeMessage } from 'amqplib';
import { ConsumerChannel } from './consumer-channel.js';
import { backoff, explain, Late, pause, within } from './deadline.js';
import { internalErrorOf, type Link } from './link.js';
import type { MuteQueues } from './mute-queues.js';
import type { AmqpTiming, BrokerLog } from './options.js';
import type { Names, QueuePlan } from './topology.js';
import { TopologyConflict } from './topology-conflict.js';

export interface SessionPlan {
  queue: QueuePlan;
  names: Names;
  timing: AmqpTiming;
  log: BrokerLog;
  random: () => number;
  mute: MuteQueues;
  take: (message: ConsumeMessage, ack: () => void) => void;
  /** A channel had to be replaced on a living connection. */
  recycled: () => void;
}

/** A channel that served for this long starts the back-off anew. */
const STEADY_MS = 10_000;

/** One consumer on one connection: keeps a channel consuming at its limit, and replaces it when it ends, until the connection is gone. */
export class ConsumerSession {
  readonly #link: Link;
  readonly #plan: SessionPlan;
  #limit: number;
  #channel: ConsumerChannel | undefined;
  #openedMs: number | undefined;
  #working = false;
  #ended = false;
  #failures = 0;
  /** Attempts; one that was given up must not bring its channel afterwards. */
  #attempts = 0;
  /** A deadline that passed and is not accounted for yet. */
  #silence: Late | undefined;
  #conflict: TopologyConflict | undefined;

  constructor(link: Link, limit: number, plan: SessionPlan) {
    this.#link = link;
    this.#limit = limit;
    this.#plan = plan;
  }

  get consuming(): boolean {
    return !this.#link.gone.aborted && this.#channel?.settled === true;
  }

  get conflict(): TopologyConflict | undefined {
    return this.#conflict;
  }

  /** Resolves after the first attempt, however it ended; further ones follow by themselves. Never rejects. */
  async begin(): Promise<void> {
    this.#working = true;
    await this.#attempt();
    this.#working = false;
    this.#kick();
  }

  setLimit(limit: number): void {
    this.#limit = limit;
    if (this.#channel) this.#channel.limit = limit;
    this.#kick();
  }

  /** Gives the channel up when the broker contradicts that it consumes, or sends nothing of what it has. */
  async assertFlow(): Promise<void> {
    const channel = this.#channel;
    if (this.#working || !channel) return;
    try {
      await within(this.#plan.timing.rpcMs, `asking for ${this.#plan.queue.name}`, channel.verify(this.#plan.timing.stallMs));
    } catch (error) {
      this.#lost(channel, error);
    }
  }

  /** Unacknowledged deliveries go back to the queue. */
  end(): void {
    this.#ended = true;
    this.#channel?.close();
    this.#channel = undefined;
  }

  #isPending(): boolean {
    return !this.#ended && !this.#link.gone.aborted && this.#channel?.settled !== true;
  }

  #kick(): void {
    if (!this.#working && this.#isPending()) void this.#work();
  }

  /** The one loop of a session. It ends when nothing is left to do, or with the connection; `#kick` starts it again. */
  async #work(): Promise<void> {
    const { random, timing } = this.#plan;
    this.#working = true;
    while (this.#isPending()) {
      await this.#judgeSilence();
      if (!this.#channel) await pause(backoff(this.#failures, random, timing), this.#link.gone);
      if (this.#isPending()) await this.#attempt();
    }
    this.#working = false;
  }

  async #attempt(): Promise<void> {
    let channel = this.#channel;
    const attempt = ++this.#attempts;
    const consuming = async (): Promise<void> => {
      channel ??= await this.#open(attempt);
      await channel.settle();
    };
    try {
      await within(this.#plan.timing.rpcMs, `consuming ${this.#plan.queue.name}`, consuming());
      this.#conflict = undefined;
      this.#plan.mute.answered(this.#plan.queue.name);
    } catch (error) {
      this.#attempts++;
      const broken = internalErrorOf(this.#link);
      if (broken) void this.#plan.mute.failed(this.#plan.queue, broken);
      this.#lost(channel, error);
    }
  }

  async #open(attempt: number): Promise<ConsumerChannel> {
    const { queue, names, take, recycled } = this.#plan;
    const opened = await ConsumerChannel.open(
      this.#link,
      { queue, names, limit: this.#limit },
      { take, roomChanged: () => this.#kick(), lost: (channel, cause) => this.#lost(channel, cause) },
    );
    if (this.#ended || attempt !== this.#attempts) {
      opened.close();
      throw new Error('given up meanwhile');
    }
    opened.limit = this.#limit;
    this.#channel = opened;
    if (this.#openedMs !== undefined) recycled();
    this.#openedMs = performance.now();
    return opened;
  }

  /** `channel` is of no more use; nothing to do if it has been replaced since. */
  #lost(channel: ConsumerChannel | undefined, cause: unknown): void {
    if (channel !== this.#channel || this.#ended || this.#link.gone.aborted) return;
    channel?.close();
    this.#channel = undefined;
    const served = this.#openedMs !== undefined && performance.now() - this.#openedMs >= STEADY_MS;
    this.#failures = served ? 1 : this.#failures + 1;
    this.#report(cause);
    this.#kick();
  }

  #report(cause: unknown): void {
    const fields = { queue: this.#plan.queue.name, cause: explain(cause) };
    if (cause instanceof TopologyConflict) {
      this.#conflict = cause;
      this.#plan.log.error('a queue cannot be consumed', fields);
    } else {
      this.#plan.log.warn('a consumer lost its channel', fields);
      if (cause instanceof Late) this.#silence = cause;
    }
  }

  /** RabbitMQ answers within milliseconds: after a silence either the connection is dead, or the queue. */
  async #judgeSilence(): Promise<void> {
    const silence = this.#silence;
    this.#silence = undefined;
    if (silence && (await this.#plan.mute.silent(this.#plan.queue, this.#link, silence))) this.#link.destroy(silence);
  }
}
