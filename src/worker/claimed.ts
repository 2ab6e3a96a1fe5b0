import type { Task } from '../core/task.js';

/** One start that is ours: the record as it was claimed, and the token of this start. */
export interface Claimed {
  task: Task;
  token: string;
  incarnation: string;
}

/** Neither rejects. */
export interface Run {
  /** Nothing of the body is running any more: its slot is free. */
  ended: Promise<void>;
  /** Its end is written, or void. */
  recorded: Promise<void>;
}
