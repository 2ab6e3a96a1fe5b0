import type { Destination } from '../../../src/broker/broker.js';
import { SimulatedBroker, type Hooks } from './broker.js';
import { Server } from './server.js';
import type { Weather } from './weather.js';

export type { SimulatedBroker, Hooks } from './broker.js';
export type { Weather } from './weather.js';

/** A message broker in memory. It does nothing by itself: whatever takes time goes through `weather.later`. */
export class SimulatedExchange {
  readonly #server: Server;

  constructor(weather: Weather) {
    this.#server = new Server(weather);
  }

  /** The broker of a process that is born. It connects when it is started, 200 ms later if the server is up. */
  connect(name: string, hooks: Hooks = {}): SimulatedBroker {
    return new SimulatedBroker(name, this.#server, hooks);
  }

  /**
   * Down: every connection is lost, with what is under way; what was unacknowledged goes back to its queue, and queues keep what they
   * have. Up: everybody who was started connects and consumes again.
   */
  setUp(up: boolean): void {
    this.#server.setUp(up);
  }

  /** The server loses its disk: a restart without queues and messages. */
  wipe(): void {
    this.#server.wipe();
  }

  /** Takes away what is ready. What somebody holds is theirs. */
  purge(destination: Destination): void {
    this.#server.find(destination)?.purge();
  }

  /** The queue and everything in it goes. Its consumers declare it again after 300 ms, a publisher before. */
  deleteQueue(destination: Destination): void {
    this.#server.delete(destination);
  }

  /** Ready and unacknowledged. */
  messages(destination: Destination): number {
    return this.#server.find(destination)?.messages ?? 0;
  }
}
