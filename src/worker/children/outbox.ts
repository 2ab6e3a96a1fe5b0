import type { Writable } from 'node:stream';

import { encodeFrames } from './frames.js';

/** So much is not held back: results may have a megabyte each. */
const FULL_BYTES = 256 * 1024;

/** What is said within one turn of the event loop leaves in one write at its end. Nothing waits for company: there is no timer. */
export class Outbox<Message> {
  readonly #pipe: Writable;
  #texts: string[] = [];
  #size = 0;

  constructor(pipe: Writable) {
    this.#pipe = pipe;
  }

  /** To a pipe that is closed it goes nowhere. */
  send(message: Message): void {
    const text = JSON.stringify(message);
    this.#size += text.length;
    if (this.#texts.push(text) === 1) setImmediate(() => this.flush());
    if (this.#size >= FULL_BYTES) this.flush();
  }

  flush(): void {
    if (this.#texts.length === 0) return;
    const texts = this.#texts;
    this.#texts = [];
    this.#size = 0;
    if (this.#pipe.writable) this.#pipe.write(encodeFrames(texts));
  }
}
