import { execFileSync } from 'node:child_process';
import { appendFileSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';

import { overlap } from '../../src/core/subtree.js';
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

/** Bodies write every 50 ms. */
const SILENT_US = 1_000_000;

/**
 * What the outside world looks like to a task: a store that refuses an older fence. An exclusive write must be at least as new as all before
 * it, a shared one as all exclusive ones: shared holders stand side by side, whatever their numbers. The order is that in which lines come
 * out of a named pipe, so that nobody's clock is asked.
 */
export class Sink {
  readonly lines: SinkLine[] = [];
  readonly #file: string;
  /** The bodies of each process that have not said that they end, by task and start. */
  readonly #open = new Map<number, Map<string, SinkLine>>();
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

  /** Whether task bodies are running in the process of this pid … */
  isRunning(pid: number): boolean {
    return this.#bodiesIn(pid).length > 0;
  }

  /** … and one that reserves something. */
  isHolding(pid: number): boolean {
    return this.#bodiesIn(pid).some(line => line.fence !== null);
  }

  close(): void {
    this.#pipe.destroy();
  }

  /** One that was cancelled says nothing at its end, but has also nothing more to say. */
  #bodiesIn(pid: number): SinkLine[] {
    const since = nowUs() - SILENT_US;
    return [...(this.#open.get(pid)?.values() ?? [])].filter(line => line.arrivedAt > since);
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
    const open = this.#open.get(line.pid) ?? new Map<string, SinkLine>();
    this.#open.set(line.pid, open);
    const start = `${line.task} ${line.attempt}`;
    if (line.edge === 'end') open.delete(start);
    else open.set(start, judged);
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
  const near = (name: string): Seen[] => [...seen].filter(([other]) => overlap(other, name)).map(([, fences]) => fences);
  const newEnough =
    exclusive.every(name => near(name).every(fences => fence >= Math.max(fences.exclusive, fences.shared))) &&
    shared.every(name => near(name).every(fences => fence >= fences.exclusive));
  if (!newEnough) return false;
  for (const name of exclusive) seen.set(name, { ...of(name), exclusive: fence });
  for (const name of shared) seen.set(name, { ...of(name), shared: Math.max(of(name).shared, fence) });
  return true;
}
