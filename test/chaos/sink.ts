import { execFileSync } from 'node:child_process';
import { appendFileSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';

import { nowUs } from './monotonic.js';

/** What a body writes, into the evidence file and into the sink alike. `at`: microseconds of CLOCK_MONOTONIC. */
export interface Line {
  task: string;
  label: string;
  attempt: number;
  edge: 'begin' | 'tick' | 'end';
  at: number;
  pid: number;
  fence: number | null;
  exclusive: string[];
  shared: string[];
}

export type SinkLine = Line & { arrivedAt: number; accepted: boolean };

/** Highest fences that were seen of one resource. */
export interface Seen {
  exclusive: number;
  shared: number;
}

/**
 * What the outside world looks like to a task: a store that refuses an older fence. An exclusive write must be at least as new as all before
 * it, a shared one as all exclusive ones: shared holders stand side by side, whatever their numbers. The order is that in which lines come
 * out of a named pipe, so that nobody's clock is asked.
 */
export class Sink {
  readonly lines: SinkLine[] = [];
  readonly #file: string;
  readonly #latest = new Map<number, SinkLine>();
  readonly #seen = new Map<string, Seen>();
  readonly #pipe: Socket;
  #rest = '';

  /** Makes the pipe at `path`; `<path>.jsonl` gets what came through it, and whether it was accepted. */
  constructor(path: string) {
    this.#file = `${path}.jsonl`;
    execFileSync('mkfifo', [path]);
    // Opened for writing too: it has no end then while no task runs.
    this.#pipe = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false });
    this.#pipe.on('data', chunk => this.#take(chunk.toString('utf8')));
  }

  /** Whether the process of this pid was in a task body when it last wrote … */
  isRunning(pid: number): boolean {
    const edge = this.#latest.get(pid)?.edge;
    return edge !== undefined && edge !== 'end';
  }

  /** … and one that reserves something. */
  isHolding(pid: number): boolean {
    return this.isRunning(pid) && this.#latest.get(pid)?.fence !== null;
  }

  close(): void {
    this.#pipe.destroy();
  }

  #take(text: string): void {
    const whole = (this.#rest + text).split('\n');
    this.#rest = whole.pop() ?? '';
    const lines = whole.map(each => this.#judge(JSON.parse(each) as Line));
    this.lines.push(...lines);
    appendFileSync(this.#file, lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  }

  #judge(line: Line): SinkLine {
    const judged = { ...line, arrivedAt: nowUs(), accepted: accepts(this.#seen, line) };
    this.#latest.set(line.pid, judged);
    return judged;
  }
}

/** Whether a write is new enough for all that it touches; then, and only then, it counts for the next. */
export function accepts(
  seen: Map<string, Seen>,
  { fence, exclusive, shared }: Pick<Line, 'fence' | 'exclusive' | 'shared'>,
): boolean {
  if (fence === null) return true;
  const of = (name: string): Seen => seen.get(name) ?? { exclusive: 0, shared: 0 };
  const newEnough =
    exclusive.every(name => fence >= Math.max(of(name).exclusive, of(name).shared)) &&
    shared.every(name => fence >= of(name).exclusive);
  if (!newEnough) return false;
  for (const name of exclusive) seen.set(name, { ...of(name), exclusive: fence });
  for (const name of shared) seen.set(name, { ...of(name), shared: Math.max(of(name).shared, fence) });
  return true;
}
