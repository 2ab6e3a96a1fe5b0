import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const OUTPUT_CHARS = 1_048_576;

/** One started role. */
export class Role {
  readonly name: string;
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #logFile: string | undefined;
  #output = '';
  #killed = false;

  constructor(name: string, child: ChildProcess, logFile?: string) {
    this.name = name;
    this.child = child;
    this.#logFile = logFile;
    child.stdout?.on('data', (chunk: Buffer) => this.#collect(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#collect(chunk));
    this.exited = once(child, 'exit').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} has no pid`);
    return this.child.pid;
  }

  /** Everything it wrote, newest 1 MiB. */
  get output(): string {
    return this.#logFile === undefined ? this.#output : readFileSync(this.#logFile, 'utf8').slice(-OUTPUT_CHARS);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** By the test itself: no accident. */
  get killed(): boolean {
    return this.#killed;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#killed = true;
    if (this.running) this.child.kill(signal);
    await this.exited;
  }

  #collect(chunk: Buffer): void {
    this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS);
  }
}
