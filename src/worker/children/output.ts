import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

import { Budget } from './budget.js';

const MAX_LINE = 4_096;
const LINES_PER_SECOND = 100;
const LINES_AT_ONCE = 1_000;
const TAIL = 2_048;

/** Makes lines of what is printed, bounded in length and rate. */
export class Lines {
  readonly #budget = new Budget(LINES_PER_SECOND, LINES_AT_ONCE);
  readonly #onLine: (line: string) => void;
  readonly #mayLog: () => boolean;
  #open = '';
  #dropped = 0;

  /** What `mayLog` refuses is dropped, too. */
  constructor(onLine: (line: string) => void, mayLog: () => boolean = () => true) {
    this.#onLine = onLine;
    this.#mayLog = mayLog;
  }

  push(text: string): void {
    const lines = (this.#open + text).split('\n');
    this.#open = (lines.pop() ?? '').slice(0, MAX_LINE); // the rest of a line without end is dropped
    for (const line of lines) this.#emit(line.replace(/\r$/, '').slice(0, MAX_LINE));
  }

  /** The last line may have no end. */
  end(): void {
    if (this.#open !== '') this.push('\n');
  }

  #emit(line: string): void {
    if (!this.#budget.take() || !this.#mayLog()) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) this.#onLine(`(${this.#dropped} lines dropped: too many in a second)`);
    this.#dropped = 0;
    this.#onLine(line);
  }
}

/** What a child prints, as lines, and the end of it for a report of its death. */
export class Output {
  readonly #decoder = new StringDecoder();
  readonly #lines: Lines;
  #tail = '';

  constructor(stream: Readable, onLine: (line: string) => void) {
    this.#lines = new Lines(onLine);
    stream.on('data', (chunk: Buffer) => this.#take(this.#decoder.write(chunk)));
    stream.on('end', () => this.#lines.end());
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
    this.#lines.push(text);
  }
}
