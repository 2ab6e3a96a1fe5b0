import { eventOf, isOlder, type TaskEvent } from '../../core/event.js';
import { isFinal } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { Log } from '../../process/log.js';
import { frameOf } from './frame.js';
import type { Reader } from './reader.js';
import type { Entry } from './ring.js';

export interface TaskWatchDeps {
  id: string;
  reader: Reader;
  read: () => Promise<Task | undefined>;
  /** Id of what was told last. */
  position: () => string;
  log: Log;
}

/** Events that wait for an answer of the database; those beyond are in that answer, or in the next one. */
const MAX_HELD = 1_000;

/** Follows one task: its record as it is, then what changes, in order and each once, until it has ended or is gone. */
export class TaskWatch {
  readonly reader: Reader;
  readonly #deps: TaskWatchDeps;
  /** The last state that was told. */
  #told: TaskEvent | undefined;
  #held: Entry[] | undefined;
  #again = false;

  constructor(deps: TaskWatchDeps) {
    this.#deps = deps;
    this.reader = deps.reader;
  }

  get id(): string {
    return this.#deps.id;
  }

  /** Whether a record in this state would be news. */
  isNews({ state }: Pick<Task, 'state'>): boolean {
    return this.#told?.state !== state;
  }

  take(entry: Entry): void {
    const { event } = entry;
    if (event && event.id !== this.id) return;
    if (!event) {
      this.reader.offer(entry.bytes);
      this.look();
    } else if (!this.#held) this.#tell(event, entry.bytes);
    else if (this.#held.length < MAX_HELD) this.#held.push(entry);
  }

  /** Reads the record and tells what it says. What is heard meanwhile comes after it: it may be older, and is then left out. */
  look(): void {
    this.#again = true;
    if (this.#held) return;
    this.#held = [];
    void this.#read();
  }

  /** What was told may not have arrived. */
  forget(): void {
    this.#told = undefined;
    this.look();
  }

  async #read(): Promise<void> {
    const { read, log, position, reader } = this.#deps;
    while (this.#again) {
      this.#again = false;
      try {
        const task = await read();
        if (task) this.#tellRecord(task, position());
        else reader.finish();
      } catch (error) {
        log.debug('A task that is followed could not be read; the next comparison tries again.', { taskId: this.id, err: error });
      }
    }
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { event, bytes } of held) if (event) this.#tell(event, bytes);
  }

  #tellRecord(task: Task, position: string): void {
    const event = eventOf(task, task.finishedAt ?? task.startedAt ?? task.readyAt ?? task.createdAt);
    const known = this.#told !== undefined;
    // A first look shows how far its body is, too.
    if (!known && task.progress.length > 0)
      this.reader.offer(frameOf(position, { ...event, kind: 'progress', progress: task.progress }));
    // The record is the truth, also where it goes back: a start that was given back counts for nothing.
    if (!this.#told || !isSame(event, this.#told)) this.#say(event, frameOf(position, event));
  }

  #tell(event: TaskEvent, bytes: Buffer): void {
    const told = this.#told;
    if (told && (isOlder(event, told) || (event.kind === 'task' && isSame(event, told)))) return;
    this.#say(event, bytes);
  }

  #say(event: TaskEvent, bytes: Buffer): void {
    this.reader.offer(bytes);
    if (event.kind === 'progress') return;
    this.#told = event;
    if (isFinal(event.state)) this.reader.finish();
  }
}

function isSame(a: TaskEvent, b: TaskEvent): boolean {
  return a.state === b.state && a.attempt === b.attempt && a.waitingFor === b.waitingFor;
}
