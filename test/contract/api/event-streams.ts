import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { expect } from 'chai';

import { Api } from '../../../src/api/api.js';
import { DEFAULT_EVENT_LIMITS, type EventLimits } from '../../../src/api/events/limits.js';
import type { EventListener } from '../../../src/broker/broker.js';
import type { Task } from '../../../src/core/task.js';
import { EventStream } from '../../support/event-stream.js';
import { someTask } from '../../support/events.js';
import { until } from '../../support/wait.js';
import { depsOn, QuietBroker } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

export const BASE = '/api/v1';
/** About 900 bytes as it is sent. */
export const LARGE = { tags: Array.from({ length: 6 }, (_, n) => `${n}${'x'.repeat(99)}`) };

/** A broker that is there, or not yet. */
class DistantBroker extends QuietBroker {
  readonly feed = {
    live: true,
    close: () => {
      this.closed++;
      return Promise.resolve();
    },
  };
  closed = 0;
  listener: EventListener | undefined;

  override emit(event: Parameters<QuietBroker['emit']>[0]): void {
    if (this.feed.live) this.listener?.event(event);
  }
  override listen(listener: EventListener): ReturnType<QuietBroker['listen']> {
    this.listener = listener;
    return this.feed;
  }
  comes(): void {
    this.feed.live = true;
    this.listener?.missed('connection');
  }
}

/** An API that listens, over a database and a broker that do as the test says; whatever was opened is gone after each test. */
export class EventStreams {
  readonly tasks = new Map<string, Task>();
  /** What the database says that has ended lately. */
  ended: string[] = [];
  broker = new DistantBroker();
  readonly calls: string[];
  readonly #store;
  readonly #streams: EventStream[] = [];
  readonly #sockets: Socket[] = [];
  #api: Api | undefined;

  constructor() {
    const { store, calls } = scriptedStore({
      tasks: {
        get: id => Promise.resolve(this.tasks.get(id)),
        byIds: ids => Promise.resolve(ids.flatMap(id => this.tasks.get(id) ?? [])),
        endedWithin: () => Promise.resolve(this.ended),
      },
    });
    this.#store = store;
    this.calls = calls;
    afterEach(() => this.#clear());
  }

  get api(): Api {
    return this.#api ?? expect.fail('it was not started');
  }

  async start(limits: Partial<EventLimits> = {}): Promise<void> {
    this.broker = new DistantBroker();
    const eventLimits = { ...DEFAULT_EVENT_LIMITS, liveMs: 50, ...limits };
    this.#api = new Api(depsOn(this.#store, { broker: this.broker, eventLimits }).deps);
    await this.#api.start();
  }

  async open(path: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const stream = await EventStream.open(`${this.api.url}${BASE}${path}`, headers);
    expect(stream.status).to.equal(200);
    this.#streams.push(stream);
    return stream;
  }

  /** A client that sends its request and then reads only when it is told to. */
  async openSlowly(path: string): Promise<Socket> {
    const socket = connect(Number(new URL(this.api.url ?? '').port), '127.0.0.1');
    this.#sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.pause();
    socket.write(`GET ${BASE}${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return socket;
  }

  async figures(): Promise<Record<string, number>> {
    return ((await (await fetch(`${this.api.url}${BASE}/status`)).json()) as { events: Record<string, number> }).events;
  }

  readers(count: number): Promise<unknown> {
    return until(`${count} readers`, async () => (await this.figures()).readers === count);
  }

  /** A task that the database has. */
  hold(n: number, change: Partial<Task> = {}): Task {
    const task = someTask(n, change);
    this.tasks.set(task.id, task);
    return task;
  }

  async #clear(): Promise<void> {
    for (const stream of this.#streams.splice(0)) stream.leave();
    for (const socket of this.#sockets.splice(0)) socket.destroy();
    await this.#api?.stop();
    this.tasks.clear();
    this.ended = [];
    this.calls.length = 0;
  }
}
