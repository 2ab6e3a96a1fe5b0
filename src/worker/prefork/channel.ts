import type { Duplex } from 'node:stream';

import { Budget } from './budget.js';
import { FrameError, FrameReader, encodeFrame } from './frames.js';
import { parseFromChild, type FromChild } from './from-child.js';
import type { ToChild } from './ipc.js';

/** Room for what surrounds a result or a submit body (1 MiB by default) in its frame. */
const ENVELOPE_BYTES = 512 * 1024;
/** A message costs 1, and 1 more per 4 KiB: 10,000 small ones or 40 MiB a second, twice that at once. */
const COST_PER_SECOND = 10_000;

/**
 * The supervisor's end of the pipe to one child. It believes nothing: garbage, an oversized message or a flood is reported once as
 * `onBreach`, and nothing is read after it. It is an own pipe and not Node's IPC, whose reader buffers whatever length a child claims
 * (200 MB took the parent to 627 MB) and throws inside the parent at garbage.
 */
export class Channel {
  readonly #pipe: Duplex;
  readonly #reader: FrameReader;
  readonly #budget = new Budget(COST_PER_SECOND, 2 * COST_PER_SECOND);
  readonly #onMessage: (message: FromChild) => void;
  readonly #onBreach: (what: string) => void;

  constructor(
    pipe: Duplex,
    options: { limitBytes: number; onMessage: (message: FromChild) => void; onBreach: (what: string) => void },
  ) {
    this.#pipe = pipe;
    this.#reader = new FrameReader(options.limitBytes + ENVELOPE_BYTES);
    this.#onMessage = options.onMessage;
    this.#onBreach = options.onBreach;
    pipe.on('data', this.#onData);
    pipe.on('error', () => undefined); // EPIPE and the like: the child's exit says what happened
  }

  /** To a dead child it goes nowhere. */
  send(message: ToChild): void {
    if (this.#pipe.writable) this.#pipe.write(encodeFrame(message));
  }

  close(): void {
    this.#pipe.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      for (const { message, bytes } of this.#reader.push(chunk)) {
        if (!this.#budget.take(1 + bytes / 4_096)) throw new FrameError('it floods its supervisor with messages');
        const known = parseFromChild(message);
        if (!known) throw new FrameError('a message is none that a child may send');
        this.#onMessage(known);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#pipe.off('data', this.#onData).pause();
      this.#onBreach(error.message);
    }
  };
}
