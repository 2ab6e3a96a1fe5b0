import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

import { Budget } from './budget.js';

const MAX_LINE = 4_096;
const LINES_PER_SECOND = 100;
const LINES_AT_ONCE = 1_000;
const TAIL = 2_048;

/** Turns what task code prints into lines: bounded in length and rate, the end of it kept for a report of the child's death. */
export class Output {
  readonly #decoder = new StringDecoder();
  readonly #budget = new Budget(LINES_PER_SECOND, LINES_AT_ONCE);
  readonly #onLine: (line: string) => void;
  #open = '';
  #dropped = 0;
  #tail = '';

  constructor(stream: Readable, onLine: (line: string) => void) {
    this.#onLine = onLine;
    stream.on('data', (chunk: Buffer) => this.#take(this.#decoder.write(chunk)));
    stream.on('end', () => this.#take(this.#open === '' ? '' : '\n'));
  }

  /** The last 2 KiB since the last call of `forget`. */
  get tail(): string {
    return this.#tail.trim();
  }

  forget(): void {
    this.#tail = '';
  }

  #take(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL);
    const lines = (this.#open + text).split('\n');
    this.#open = (lines.pop() ?? '').slice(0, MAX_LINE); // the rest of a line without end is dropped
    for (const line of lines) this.#emit(line.replace(/\r$/, '').slice(0, MAX_LINE));
  }

  #emit(line: string): void {
    if (!this.#budget.take()) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) this.#onLine(`(${this.#dropped} lines dropped: more than ${LINES_PER_SECOND} a second)`);
    this.#dropped = 0;
    this.#onLine(line);
  }
}
