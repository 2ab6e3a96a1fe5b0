import { checkHistory, type History } from '../../src/audit/history.js';
import { isFinal, mayMove } from '../../src/core/state.js';
import type { Task } from '../../src/core/task.js';
import type { Scenario } from './scenario.js';

export interface Violation {
  rule: string;
  evidence: string;
}

/** Watches every change of a record and every start of a body while a run goes on, and judges the whole at its end. */
export class Judge {
  readonly violations: Violation[] = [];
  /** Tasks that are not final. */
  openTasks = 0;
  readonly #unique = new Map<string, string>();
  readonly #highestFence = new Map<string, { any: number; exclusive: number }>();

  found(rule: string, evidence: string): void {
    this.violations.push({ rule, evidence });
  }

  /** The graph is a copy that only its own leader's grants change: no fault of anybody may make it wrong. */
  complained(name: string, message: string): void {
    if (message.includes('the graph')) this.found('graph', `${name}: ${message}`);
  }

  recordChanged(before: Task | undefined, after: Task | undefined): void {
    this.openTasks += Number(isOpen(after)) - Number(isOpen(before));
    this.#checkUnique(after);
    if (!before || !after) return;
    if (before.state !== after.state && !mayMove(before.state, after.state)) {
      this.found('illegal', `task ${after.id} moved from ${before.state} to ${after.state}`);
    }
    if (isFinal(before.state) && before.state === after.state) this.found('illegal', `task ${after.id} changed after its end`);
    if (before.grant && after.grant && before.grant.fence !== after.grant.fence) {
      this.found('illegal', `task ${after.id} was granted again: fence ${before.grant.fence}, then ${after.grant.fence}`);
    }
  }

  #checkUnique(task: Task | undefined): void {
    if (!task?.unique) return;
    const { key } = task.unique;
    const holder = this.#unique.get(key);
    if (!isOpen(task)) {
      if (holder === task.id) this.#unique.delete(key);
    } else if (holder === undefined || holder === task.id) this.#unique.set(key, task.id);
    else this.found('doubled', `tasks ${holder} and ${task.id} are open with the unique key ${key}`);
  }

  /** What a sink outside would see: the fence of a resource only grows. */
  bodyBegan(task: Task | undefined, attempt: number, fence: number | undefined): void {
    if (!task) return this.found('lost', 'a body began whose task has no record');
    for (const resource of [...task.exclusive, ...task.shared]) {
      const mode = task.exclusive.includes(resource) ? 'any' : 'exclusive';
      const highest = this.#highestFence.get(resource) ?? { any: 0, exclusive: 0 };
      if (fence === undefined || fence <= highest[mode]) {
        this.found(
          'fence',
          `task ${task.id}, start ${attempt}, shows ${fence ?? 'no'} fence for ${resource}, not above ${highest[mode]}`,
        );
      }
      highest.any = Math.max(highest.any, fence ?? 0);
      if (mode === 'any') highest.exclusive = Math.max(highest.exclusive, fence ?? 0);
      this.#highestFence.set(resource, highest);
    }
  }

  /** One task per idempotency key, one task per slot, and what the history says. */
  conclude(history: History, schedule: Scenario['schedule']): void {
    const keys = new Map<string, string>();
    for (const task of history.tasks) {
      const key = task.idempotency?.key ?? (task.schedule && `slot ${task.schedule.slot.toISOString()}`);
      if (key === undefined) continue;
      const other = keys.get(key);
      if (other !== undefined) this.found('doubled', `tasks ${other} and ${task.id} stand for the same request (${key})`);
      keys.set(key, task.id);
    }
    this.#checkSlots(history.tasks, schedule);
    for (const { rule, tasks, evidence } of checkHistory(history)) this.found(rule, `${tasks.join(', ')}: ${evidence}`);
  }

  /** Slots lie on their grid, and none is left out where each missed one is to be made up for. */
  #checkSlots(tasks: readonly Task[], schedule: Scenario['schedule']): void {
    const slots = tasks.flatMap(task => (task.schedule ? [task.schedule.slot.getTime()] : [])).sort((a, b) => a - b);
    slots.forEach((slot, index) => {
      const previous = slots[index - 1];
      if (!schedule || previous === undefined) return;
      const apart = (slot - previous) / schedule.intervalMs;
      if (Math.abs(apart - Math.round(apart)) > 1e-3) this.found('slots', `the slot ${slot} is not on the grid of ${previous}`);
      if (schedule.misfire === 'all' && Math.round(apart) !== 1)
        this.found('slots', `${Math.round(apart) - 1} slots between ${previous} and ${slot} have no task`);
    });
  }
}

function isOpen(task: Task | undefined): boolean {
  return task !== undefined && !isFinal(task.state);
}
