import { setMaxListeners } from 'node:events';

import type { ChildOutcome } from '../../../tasks/child-task.js';
import { MAX_AWAITED } from '../ipc.js';
import type { Supervisor } from './supervisor.js';

/** The tasks that one body waits for. A wait that it leaves behind when it ends is never answered, and acts on nothing. */
export class Awaiting {
  readonly #run: number;
  readonly #supervisor: Pick<Supervisor, 'outcomeOf'>;
  #open = 0;
  readonly #queue: (() => void)[] = [];

  constructor(run: number, supervisor: Pick<Supervisor, 'outcomeOf'>) {
    this.#run = run;
    this.#supervisor = supervisor;
  }

  /** Rejects with what the supervisor refused (InterlockError), or with the reason of the first signal to abort. */
  async outcomeOf(task: string, signals: readonly AbortSignal[]): Promise<ChildOutcome> {
    while (this.#open >= MAX_AWAITED) await new Promise<void>(resolve => this.#queue.push(resolve));
    for (const signal of signals) signal.throwIfAborted();
    setMaxListeners(MAX_AWAITED + 100, ...signals); // else Node takes so many waits for a leak, and prints that
    this.#open += 1;
    const { answer, leave } = this.#supervisor.outcomeOf(this.#run, task);
    let abort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      abort = () => {
        leave();
        reject(reasonOf(signals.find(signal => signal.aborted)));
      };
      for (const signal of signals) signal.addEventListener('abort', abort);
    });
    try {
      return (await Promise.race([answer, aborted])) as unknown as ChildOutcome;
    } finally {
      for (const signal of signals) if (abort) signal.removeEventListener('abort', abort);
      this.#open -= 1;
      this.#queue.shift()?.();
    }
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}
