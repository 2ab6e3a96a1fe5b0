import type { ProgressReport } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { TaskStore } from '../store/store.js';

interface Report {
  progress: ProgressReport[];
  createdResources: string[];
}

/** Writes the progress of one start: always the latest, one write at a time. */
export class Reporter {
  readonly #write: (report: Report) => Promise<unknown>;
  readonly #log: Log;
  #latest: Report | undefined;
  #writing: Promise<void> | undefined;

  /** `told`: what is stored now. */
  constructor(
    tasks: Pick<TaskStore, 'report'>,
    start: { id: string; token: string },
    { log, told }: { log: Log; told: (progress: ProgressReport[]) => void },
  ) {
    this.#write = async report => {
      if (await tasks.report(start.id, start.token, report)) told(report.progress);
    };
    this.#log = log;
  }

  report(progress: ProgressReport[], createdResources: string[]): void {
    this.#latest = { progress, createdResources };
    this.#writing ??= this.#pump();
  }

  /** Resolves when the last report is written, or could not be: progress is never worth failing a task for. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #pump(): Promise<void> {
    while (this.#latest) {
      const report = this.#latest;
      this.#latest = undefined;
      await this.#write(report).catch((error: unknown) => this.#log.warn('A progress report was not stored.', { err: error }));
    }
    this.#writing = undefined;
  }
}
