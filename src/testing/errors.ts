import type { TaskView } from '../core/task-view.js';

/** Something in a lab is not as the test wants it. `message` tells id, name, state and why; `task` is the whole task where it is about one. */
export class LabError extends Error {
  readonly task: TaskView | undefined;

  constructor(message: string, task?: TaskView, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'LabError';
    this.task = task;
  }
}

/** `Task 019b… "sync" is failed (timeout): TIME_LIMIT: It had run …` */
export function told({ id, name, state, reason, error, attempt, maxAttempts }: TaskView): string {
  const starts = maxAttempts > 1 ? `, start ${attempt} of at most ${maxAttempts}` : '';
  const why = error ? `: ${error.code}: ${error.message}` : '';
  return `Task ${id} "${name}" is ${state}${reason ? ` (${reason})` : ''}${starts}${why}`;
}

/** The error of its body, with the stack that it had there. */
export function causeOf({ error }: TaskView): Error | undefined {
  if (!error) return undefined;
  const cause = Object.assign(new Error(error.message), { code: error.code });
  if (error.traceback !== null) cause.stack = error.traceback;
  return cause;
}
