import type { FastifyRequest } from 'fastify';

import type { Log } from '../../process/log.js';
import type { Clock } from '../../process/runtime.js';

/** However many come: one line in this time. */
const QUIET_MS = 10_000;

/** Tells the log of requests that were refused, without what they brought along. */
export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Clock;
  #toldAtMs = -Infinity;
  #untold = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  note(request: FastifyRequest, why: string): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#toldAtMs < QUIET_MS) {
      this.#untold += 1;
      return;
    }
    const others = this.#untold > 0 ? ` (${this.#untold} others since the last line like this)` : '';
    const asked = `${request.method} ${request.routeOptions.url ?? ''}`;
    this.#log.warn(`${asked} was refused: ${why}${others}`, { peer: request.ip, requestId: request.id });
    this.#toldAtMs = now;
    this.#untold = 0;
  }
}
