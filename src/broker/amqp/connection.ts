import { setImmediate as turn } from 'node:timers/promises';
import { eachAddress } from '../../core/address-list.js';
import { backoff, explain, pause, within } from './deadline.js';
import { causeOf, dial, place, type Link } from './link.js';
import type { AmqpOptions, AmqpTiming } from './options.js';
import { TopologyConflict } from './topology-conflict.js';

export type Phase = 'connecting' | 'topology' | 'consuming' | 'up' | 'closed';

/** What is set up on every fresh connection, in this order. A stage that throws, or takes too long, costs the connection. */
export interface Stages {
  topology(link: Link): Promise<void>;
  consuming(link: Link): Promise<void>;
  /** The connection of the last stages is gone. */
  lost(): void;
}

/** A connection that was up for this long starts its back-off anew; one that falls at once keeps slowing down. */
const STEADY_MS = 10_000;

/** Keeps one connection up, for ever: connecting → topology → consuming → up, and again from the start after any failure. */
export class Connection {
  readonly #options: AmqpOptions;
  readonly #name: string;
  readonly #timing: AmqpTiming;
  readonly #stages: Stages;
  readonly #stop = new AbortController();
  readonly #settled: Promise<void>;
  readonly #addresses: string[];
  #attempts: number;
  #settle: () => void = () => undefined;
  #phase: Phase = 'connecting';
  #link: Link | undefined;
  #established = 0;
  #failures = 0;
  #conflict: TopologyConflict | undefined;
  #loop: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: AmqpOptions, purpose: 'publish' | 'consume', timing: AmqpTiming, stages: Stages) {
    this.#options = options;
    this.#name = `${options.name} ${purpose}`;
    this.#timing = timing;
    this.#stages = stages;
    this.#addresses = eachAddress(options.url);
    // Anywhere in the list, so that a fleet spreads over the nodes of a cluster.
    this.#attempts = Math.floor(options.random() * this.#addresses.length);
    this.#settled = new Promise(resolve => (this.#settle = resolve));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Only while everything on it is set up. */
  get link(): Link | undefined {
    return this.#phase === 'up' ? this.#link : undefined;
  }

  get reconnects(): number {
    return Math.max(0, this.#established - 1);
  }

  /** Why the topology of the last attempt was refused. */
  get conflict(): TopologyConflict | undefined {
    return this.#conflict;
  }

  /** Connects in the background. The promise settles once it was up, met a conflict, or was closed. */
  start(): Promise<void> {
    this.#loop ??= this.#run();
    return this.#settled;
  }

  /** At most `closeMs` for the broker to answer; then the socket goes. */
  close(): Promise<void> {
    return (this.#closing ??= this.#shutDown());
  }

  async #shutDown(): Promise<void> {
    const link = this.#link;
    this.#phase = 'closed';
    this.#stop.abort();
    if (link) await this.#goodbye(link);
    await this.#loop;
    this.#settle();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const upForMs = await this.#liveOnce();
      this.#failures = upForMs >= STEADY_MS ? 0 : this.#failures + 1;
      this.#attempts++;
      await pause(backoff(this.#failures, this.#options.random, this.#timing), this.#stop.signal);
    }
  }

  /** One life of the connection. How long it was up, in milliseconds; never throws. */
  async #liveOnce(): Promise<number> {
    let upSince: number | undefined;
    try {
      const link = await this.#setUp();
      upSince = performance.now();
      this.#established++;
      this.#enter('up');
      this.#settle();
      this.#options.log.info('connected to RabbitMQ', { connection: this.#name, version: link.version });
      await ended(link);
      if (!this.#stop.signal.aborted) this.#options.log.warn('lost RabbitMQ', { connection: this.#name, cause: causeOf(link) });
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#tearDown();
    }
    return upSince === undefined ? 0 : performance.now() - upSince;
  }

  async #setUp(): Promise<Link> {
    const { setupMs } = this.#timing;
    const link = await dial({ ...this.#options, url: this.#address }, this.#name, this.#timing, this.#stop.signal);
    this.#link = link;
    this.#stop.signal.throwIfAborted();
    this.#enter('topology');
    await within(setupMs, 'declaring the topology', this.#stages.topology(link));
    this.#enter('consuming');
    await within(setupMs, 'setting up channels', this.#stages.consuming(link));
    // A connection that died meanwhile would otherwise be adopted, and its consumers with it.
    link.gone.throwIfAborted();
    this.#conflict = undefined;
    return link;
  }

  #tearDown(): void {
    this.#link?.destroy(new Error('given up'));
    this.#link = undefined;
    this.#stages.lost();
    this.#enter('connecting');
  }

  /** After an end of whatever kind the next host is tried: this one may be down, or on the wrong side of a partition. */
  get #address(): string {
    return this.#addresses[this.#attempts % this.#addresses.length] ?? this.#options.url;
  }

  #enter(phase: Phase): void {
    if (this.#phase !== 'closed') this.#phase = phase;
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const { log } = this.#options;
    const attempt = this.#failures + 1;
    const fields = { connection: this.#name, phase: this.#phase, attempt, cause: explain(error) };
    if (error instanceof TopologyConflict) {
      this.#conflict = error;
      log.error('RabbitMQ has something else under a name of ours', fields);
      this.#settle();
    } else {
      // The 1st, 2nd, 4th, 8th … attempt: an outage of an hour is 12 lines, not 700.
      const level = Number.isInteger(Math.log2(attempt)) ? 'warn' : 'debug';
      log[level](`cannot use RabbitMQ at ${place(this.#address)}; trying again`, fields);
    }
  }

  async #goodbye(link: Link): Promise<void> {
    try {
      // amqplib writes what channels send one turn later, but its goodbye at once: the last acknowledgements would be overtaken.
      await turn();
      await turn();
      await within(this.#timing.closeMs, 'closing', link.model.close());
    } catch (error) {
      // A broker that is stopped, or a connection that is gone, never answers (more than 40 s were measured).
      this.#options.log.debug('closed RabbitMQ without its answer', { connection: this.#name, cause: explain(error) });
    } finally {
      link.destroy(new Error('closed'));
    }
  }
}

function ended(link: Link): Promise<void> {
  return new Promise(resolve => {
    if (link.gone.aborted) resolve();
    else link.gone.addEventListener('abort', () => resolve(), { once: true });
  });
}
