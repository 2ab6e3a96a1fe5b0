import type { ProgressReport } from '../core/task.js';
import type { ProgressBar, ProgressOptions } from './context.js';

const MAX_BARS = 100;
const MAX_TEXT = 500;
const MAX_CREATED = 1_000;
const MAX_URL = 2_048;
/** Together: all of it is sent and stored with every report. */
const MAX_CREATED_BYTES = 256 * 1024;

/** What one run has reported so far. Every change calls `changed`, which may send it when it likes. */
export class Progress {
  readonly bars: ProgressReport[] = [];
  readonly created: string[] = [];
  readonly #changed: () => void;
  #createdBytes = 0;
  #closed = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  open(code: string, options: ProgressOptions = {}): ProgressBar {
    if (this.bars.length >= MAX_BARS) throw new RangeError(`A task may open at most ${MAX_BARS} progress bars.`);
    const bar: ProgressReport = {
      code: text(code),
      message: text(options.message ?? code),
      done: 0,
      total: options.total === undefined ? null : finite(options.total),
      suffix: options.suffix === undefined ? null : text(options.suffix),
      state: 'running',
    };
    this.#change(() => this.bars.push(bar));
    return {
      increment: (n = 1) => this.#change(() => (bar.done += finite(n))),
      set: done => this.#change(() => (bar.done = finite(done))),
      update: change => this.#change(() => Object.assign(bar, changed(change))),
      end: () => this.#change(() => (bar.state = 'completed')),
    };
  }

  create(url: string): void {
    if (typeof url !== 'string' || url === '' || url.length > MAX_URL) {
      throw new TypeError(`A created resource is a text of 1 to ${MAX_URL} characters.`);
    }
    this.#createdBytes += Buffer.byteLength(url);
    if (this.created.length >= MAX_CREATED || this.#createdBytes > MAX_CREATED_BYTES) {
      throw new RangeError(`A task may name at most ${MAX_CREATED} created resources, ${MAX_CREATED_BYTES / 1024} KiB together.`);
    }
    this.#change(() => this.created.push(url));
  }

  /** Whatever the body still does after its end is dropped. */
  close(): void {
    this.#closed = true;
  }

  #change(apply: () => void): void {
    if (this.#closed) return;
    apply();
    this.#changed();
  }
}

/** The bars as they end: one left open takes the end of its task. */
export function closedBars(bars: readonly ProgressReport[], state: 'completed' | 'failed' | 'canceled'): ProgressReport[] {
  return bars.map(bar => (bar.state === 'running' ? { ...bar, state } : bar));
}

function changed({ message, total, suffix }: ProgressOptions): Partial<ProgressReport> {
  return {
    ...(message !== undefined && { message: text(message) }),
    ...(total !== undefined && { total: finite(total) }),
    ...(suffix !== undefined && { suffix: text(suffix) }),
  };
}

function finite(n: number): number {
  if (!Number.isFinite(n)) throw new TypeError(`Progress counts in finite numbers, not ${String(n)}.`);
  return n;
}

function text(value: string): string {
  if (typeof value !== 'string') throw new TypeError(`Progress is told in texts, not ${String(value)}.`);
  return value.slice(0, MAX_TEXT);
}
