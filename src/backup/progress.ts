import type { Clock } from '../process/runtime.js';

export type Note = (line: string) => void;

/** Often enough to see that it goes on, seldom enough for a log. */
const EVERY_MS = 5_000;

/** Counts what goes by and says so now and then. */
export class Meter {
  readonly #what: string;
  readonly #note: Note;
  readonly #clock: Clock;
  #count = 0;
  #bytes = 0;
  #saidAtMs: number;

  constructor(what: string, note: Note, clock: Clock) {
    this.#what = what;
    this.#note = note;
    this.#clock = clock;
    this.#saidAtMs = clock.monotonicMs();
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(count: number, bytes: number): void {
    this.#count += count;
    this.#bytes += bytes;
    const now = this.#clock.monotonicMs();
    if (now - this.#saidAtMs < EVERY_MS) return;
    this.#saidAtMs = now;
    this.#note(
      `${this.#what}: ${this.#count.toLocaleString('en')} so far${this.#bytes > 0 ? `, ${sizeText(this.#bytes)}` : ''} …`,
    );
  }
}

export function sizeText(bytes: number): string {
  if (bytes < 10_240) return `${bytes} bytes`;
  const MiB = bytes / 1_048_576;
  return MiB < 1 ? `${Math.round(bytes / 1_024)} KiB` : `${MiB.toFixed(1)} MiB`;
}
