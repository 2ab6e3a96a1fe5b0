import type { Log } from '../../process/log.js';
import { ChildrenLedger, leftoversOf } from './children-ledger.js';
import { WorkerDirectory, type TaskDirectory } from './directory.js';

/** What a pool has on the disk: the worker's directory with the ledger of its children and the directories of its tasks. */
export class Premises {
  readonly ledger: ChildrenLedger;
  readonly #directory: WorkerDirectory;
  readonly #log: Log;
  #opened = false;

  /** `directory` is absolute; see `workerDirectoryOf`. */
  constructor(directory: string, log: Log) {
    this.ledger = new ChildrenLedger(directory);
    this.#log = log;
    this.#directory = new WorkerDirectory(directory, error => {
      log.warn('What a task left in its working directory could not be deleted.', { error });
    });
  }

  /** Makes it anew. Throws when a child that a former worker left there is alive. */
  async open(): Promise<void> {
    const { path } = this.#directory;
    const [alive] = leftoversOf(path);
    if (alive) {
      throw new Error(
        `${path} belongs to a worker whose child ${alive.pid} is alive. End that worker (killLeftovers ends the children of a dead one).`,
      );
    }
    await this.#directory.create();
    this.#opened = true;
    this.ledger.create();
  }

  async close(): Promise<void> {
    if (this.#opened) await this.#directory.delete(); // else it is not ours
  }

  createTask(taskId: string): Promise<TaskDirectory> {
    return this.#directory.createTask(taskId);
  }

  /** Never rejects: nobody's task fails for it. */
  async removeTask(taskId: string, directory: TaskDirectory): Promise<void> {
    await directory.remove().catch((error: unknown) => {
      this.#log.warn('The working directory of a task could not be removed.', { taskId, error });
    });
  }
}
