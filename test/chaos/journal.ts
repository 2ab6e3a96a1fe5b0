import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

import { nowUs } from './monotonic.js';

/** While a process was stopped by SIGSTOP; microseconds. */
export interface Freeze {
  pid: number;
  from: number;
  until: number;
}

/** What the run did and saw, a line an event, in `events.jsonl`; and what the verdict needs of it. */
export class Journal {
  readonly freezes: Freeze[] = [];
  /** Processes that did not end when they were asked to. */
  readonly hung: string[] = [];
  readonly #file: string;
  readonly #tell: (line: string) => void;

  constructor(folder: string, tell: (line: string) => void) {
    this.#file = join(folder, 'events.jsonl');
    this.#tell = tell;
  }

  note(event: string, fields: Record<string, unknown> = {}): void {
    appendFileSync(this.#file, `${JSON.stringify({ at: nowUs(), wall: new Date().toISOString(), event, ...fields })}\n`);
  }

  /** A note that is worth a line on the terminal. */
  say(line: string, fields: Record<string, unknown> = {}): void {
    this.note(line, fields);
    this.#tell(line);
  }
}
