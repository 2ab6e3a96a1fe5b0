import { UnstorableEndings } from '../core/errors.js';
import type { Ending, Outcome } from '../core/outcome.js';
import { shortId } from '../core/short-id.js';
import type { Log } from '../process/log.js';
import { jittered, type Runtime } from '../process/runtime.js';
import type { TaskStore } from '../store/store.js';

export interface RecorderDeps {
  tasks: Pick<TaskStore, 'finish'>;
  runtime: Runtime;
  log: Log;
  /** Whether this incarnation may still write: a later word of a fenced process is void anyway, so it is not sent. */
  trusted: (incarnation: string) => boolean;
}

interface Waiting {
  ending: Ending;
  incarnation: string;
  resolve: (recorded: Outcome | undefined) => void;
}

const MAX_BATCH = 100;
const RETRY_MS = 500;

/**
 * Writes the ends of starts, many in one command: those that gather while a write is away share the next one (group commit).
 * An unclear answer is asked again with the same tokens until it is clear, or until this incarnation is fenced. An end that can never be stored
 * gives way to a small one that says so: whatever a body returned, its resources become free.
 */
export class Recorder {
  readonly #deps: RecorderDeps;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
  }

  /** The outcome as it stands in the record now. Undefined: somebody else has ended that start, or this incarnation is fenced; never forced. */
  record(ending: Ending, incarnation: string): Promise<Outcome | undefined> {
    return new Promise(resolve => {
      this.#waiting.push({ ending, incarnation, resolve }); // bounded by `Slots`
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      const recorded = await this.#finish(batch);
      for (const { ending, resolve } of batch) resolve(recorded.has(ending.id) ? ending.outcome : undefined);
    }
    this.#writing = false;
  }

  async #finish(batch: Waiting[]): Promise<Set<string>> {
    const { tasks, runtime, log, trusted } = this.#deps;
    for (;;) {
      const mine = batch.filter(waiting => trusted(waiting.incarnation));
      if (mine.length === 0) return new Set();
      try {
        return await tasks.finish(mine.map(waiting => waiting.ending));
      } catch (error) {
        if (error instanceof UnstorableEndings && this.#replace(mine, error)) continue;
        log.warn(`The ends of ${mine.length} tasks are not recorded yet; trying again.`, { err: error });
        await runtime.timers.sleep(jittered(RETRY_MS, runtime.random));
      }
    }
  }
  /** Whether any was replaced; a replacement has no result, and is never refused. */
  #replace(batch: readonly Waiting[], { refusals }: UnstorableEndings): boolean {
    let replaced = false;
    for (const { id, token, error } of refusals) {
      const waiting = batch.find(({ ending }) => ending.id === id && ending.token === token);
      if (waiting?.ending.outcome.kind !== 'completed') continue;
      this.#deps.log.error(`Task ${shortId(id)} fails although its body completed: ${error.message}`, { taskId: id });
      waiting.ending = { id, token, outcome: { kind: 'failed', error } };
      replaced = true;
    }
    return replaced;
  }
}
