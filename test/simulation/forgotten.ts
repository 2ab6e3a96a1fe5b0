import { isDeepStrictEqual } from 'node:util';

import type { Retention } from '../../src/core/retention.js';
import { isFinal } from '../../src/core/state.js';
import type { Task } from '../../src/core/task.js';

export interface ForgottenDeps {
  retention: Retention;
  /** Server time. */
  now: () => Date;
  /** Of the resource manager, as it stands in the database. */
  floor: () => number;
  found: (rule: string, evidence: string) => void;
}

/** Judges what is deleted, and keeps it: nothing that a client was promised may be missing from the history at the end. */
export class Forgotten {
  /** As they were when they were deleted. */
  readonly tasks: Task[] = [];
  readonly #deps: ForgottenDeps;
  /** Open members by group. */
  readonly #open = new Map<string, number>();

  constructor(deps: ForgottenDeps) {
    this.#deps = deps;
  }

  /** Told of every change. */
  see(before: Task | undefined, after: Task | undefined): void {
    const group = (before ?? after)?.group;
    if (group !== undefined) this.#open.set(group, (this.#open.get(group) ?? 0) + isOpen(after) - isOpen(before));
    if (before && !after) this.#judge(before, 'deleted');
    if (before && !after) this.tasks.push(before);
  }

  /** Whether all that changed is that the result of an old task was dropped. */
  isExpiryOfResult(before: Task, after: Task): boolean {
    if (before.resultExpired || !after.resultExpired) return false;
    this.#judge(before, 'robbed of its result');
    const { result, ...rest } = before;
    return result !== undefined && isDeepStrictEqual({ ...rest, resultExpired: true }, { ...after });
  }

  #judge({ id, state, seq, finishedAt, group }: Task, what: 'deleted' | 'robbed of its result'): void {
    const { retention, now, floor, found } = this.#deps;
    if (!isFinal(state) || !finishedAt) return found('forgotten', `task ${id}, which was ${state}, was ${what}`);
    const keptMs = what === 'deleted' ? retention[state] : retention.results;
    const ageMs = now().getTime() - finishedAt.getTime();
    if (keptMs === 0 || ageMs < keptMs)
      found('forgotten', `task ${id} was ${what} ${ageMs} ms after its end, and is kept for ${keptMs}`);
    if (what === 'deleted' && seq > floor())
      found('forgotten', `task ${id} was deleted with its number ${seq} above the floor ${floor()}`);
    if (group !== undefined && (this.#open.get(group) ?? 0) > 0)
      found('forgotten', `task ${id} was ${what} although its group ${group} has open members`);
  }
}

function isOpen(task: Task | undefined): number {
  return Number(task !== undefined && !isFinal(task.state));
}
