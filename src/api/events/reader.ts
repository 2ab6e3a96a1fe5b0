import { Readable } from 'node:stream';

import type { Clock } from '../../process/runtime.js';

export interface ReaderDeps {
  clock: Clock;
  /** What may wait here now, in bytes. */
  limit: () => number;
  /** What stands for a backlog that was dropped, as of now. */
  resync: () => Buffer;
  /** Whether who reads still may: a token may have expired meanwhile, or been revoked. Throws StoreError. */
  permitted: () => Promise<boolean>;
  /** After that was sent: what was to be the end may have been dropped, too. */
  recovered: () => void;
}

/** Beside the backlog: what is on its way into the socket. */
const UNDER_WAY = 16_384;

/**
 * What one client is told. Nobody waits for it: what its socket does not take waits here up to a limit, and beyond that gives way to a single resync,
 * which is sent when the socket takes something again.
 */
export class Reader extends Readable {
  readonly #deps: ReaderDeps;
  #waiting: Buffer[] = [];
  #wanted = false;
  #dropped = false;
  #ending = false;
  #stalledAtMs: number | undefined;
  /** Bytes that wait. */
  backlog = 0;
  resyncs = 0;

  constructor(deps: ReaderDeps) {
    super({ highWaterMark: UNDER_WAY });
    this.#deps = deps;
  }

  /** How long something has waited here without any of it being taken. */
  get stalledMs(): number {
    return this.#stalledAtMs === undefined ? 0 : this.#deps.clock.monotonicMs() - this.#stalledAtMs;
  }

  permitted(): Promise<boolean> {
    return this.#deps.permitted();
  }

  offer(bytes: Buffer): void {
    if (this.#ending || this.destroyed || this.#dropped) return;
    if (this.#wanted && this.#waiting.length === 0) {
      this.#wanted = this.push(bytes);
      return;
    }
    this.#stalledAtMs ??= this.#deps.clock.monotonicMs();
    this.#waiting.push(bytes);
    this.backlog += bytes.length;
    if (this.backlog > this.#deps.limit()) this.#dropBacklog();
  }

  /** Ends after what waits; what was dropped comes first. */
  finish(): void {
    if (this.#dropped) return;
    this.#ending = true;
    if (this.#wanted) this.#send();
  }

  /** Ends now, in good order if nothing is in the way. */
  close(): void {
    if (this.#wanted) this.finish();
    else this.destroy();
  }

  override _read(): void {
    this.#wanted = true;
    this.#stalledAtMs = undefined;
    this.#send();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting = [];
    this.backlog = 0;
    this.#stalledAtMs = undefined;
    done(error);
  }

  #dropBacklog(): void {
    this.#waiting = [];
    this.backlog = 0;
    this.#dropped = true;
    this.resyncs++;
  }

  #send(): void {
    if (this.#dropped) {
      this.#dropped = false;
      this.#wanted = this.push(this.#deps.resync());
      this.#deps.recovered();
    }
    while (this.#wanted) {
      const next = this.#waiting.shift();
      if (!next) break;
      this.backlog -= next.length;
      this.#wanted = this.push(next);
    }
    if (this.#waiting.length > 0) this.#stalledAtMs = this.#deps.clock.monotonicMs();
    else if (this.#ending) this.push(null);
  }
}
