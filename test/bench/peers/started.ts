import type { ServerProcess } from '../../../src/servers/processes/server-process.js';
import { until } from '../../support/wait.js';

export interface Program {
  /** For its log, and for messages. */
  name: string;
  command: readonly string[];
  /** Beside PATH. */
  env?: NodeJS.ProcessEnv;
  /** The folder of the run when absent. */
  cwd?: string;
}

/** Nothing that is measured or installed here takes as long, not even under an emulator on a busy machine. */
const PATIENCE_MS = 15 * 60_000;
const GRACE_MS = 10_000;
const GOOD = 'exit code 0';

/** A process of a peer, and what it writes. */
export class Started {
  readonly #name: string;
  readonly #process: ServerProcess;
  readonly #log: () => { text: string; tail: string };

  constructor(name: string, launched: ServerProcess, log: () => { text: string; tail: string }) {
    this.#name = name;
    this.#process = launched;
    this.#log = log;
  }

  /** Until `probe` finds something. Throws with the end of the log when the process ends before. */
  async until<T>(what: string, probe: () => T | undefined | Promise<T | undefined>): Promise<T> {
    const look = async (): Promise<{ found?: T | undefined; ended: string | undefined } | undefined> => {
      const ended = this.#process.ended(); // before the look: what it did before its end is there then
      const found = await probe();
      return found === undefined && ended === undefined ? undefined : { found, ended };
    };
    const { found, ended } = await until(what, look, { timeoutMs: PATIENCE_MS, everyMs: 100 });
    if (found === undefined) throw this.#failed(ended ?? '');
    return found;
  }

  /** Resolves with what it says on its line `answer {…}`. */
  answer<T>(): Promise<T> {
    return this.until(`an answer of ${this.#name}`, () => answerIn<T>(this.#log().text));
  }

  /** Throws with the end of the log unless it ends well. */
  async succeeded(): Promise<void> {
    const probe = (): true | undefined => (this.#process.ended() === GOOD ? true : undefined);
    await this.until(`the end of ${this.#name}`, probe);
  }

  /** TERM to its group, and KILL after ten seconds. */
  async end(): Promise<void> {
    await this.#process.end(GRACE_MS);
  }

  #failed(ended: string): Error {
    return new Error(`${this.#name} ended with ${ended}; the end of its log:\n${this.#log().tail}`);
  }
}

const ANSWER = /^answer (\{.*\})$/m;

/** What the line `answer {…}` of a log says; undefined as long as that line is not whole. */
export function answerIn<T>(log: string): T | undefined {
  const text = ANSWER.exec(log.slice(0, log.lastIndexOf('\n') + 1))?.[1];
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
