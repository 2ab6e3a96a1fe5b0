import { isDeepStrictEqual } from 'node:util';

import { checkHistory, type History } from '../../src/audit/history.js';
import type { Schedule } from '../../src/core/schedule.js';
import type { ProcessRecord } from '../../src/core/process.js';
import { isFinal, mayMove } from '../../src/core/state.js';
import { overlap } from '../../src/core/subtree.js';
import { OWN_ENDS } from '../../src/core/superseded.js';
import type { Task } from '../../src/core/task.js';
import { Forgotten, type ForgottenDeps } from './forgotten.js';
import { RateJudge } from './rate-judge.js';
import type { Scenario } from './scenario.js';
import { SlotJudge } from './schedule.js';

export interface Violation {
  rule: string;
  evidence: string;
}

export interface JudgeDeps extends Omit<ForgottenDeps, 'found'> {
  /** Now, for limits per second. */
  rateTimeMs: () => number;
}

/** Watches every change of a record and every start of a body while a run goes on, and judges the whole at its end. */
export class Judge {
  readonly violations: Violation[] = [];
  /** Tasks that are not final. */
  openTasks = 0;
  readonly #rates: RateJudge;
  readonly #unique = new Map<string, string>();
  readonly #forgotten: Forgotten;
  readonly #highestFence = new Map<string, { any: number; exclusive: number }>();

  readonly #slots: SlotJudge;

  constructor(schedule: Scenario['schedule'], { rateTimeMs, ...deps }: JudgeDeps) {
    this.#rates = new RateJudge(rateTimeMs);
    this.#forgotten = new Forgotten({ ...deps, found: (rule, evidence) => this.found(rule, evidence) });
    this.#slots = new SlotJudge(schedule, (rule, evidence) => this.found(rule, evidence));
  }

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
    this.#slots.recordChanged(before, after);
    this.#rates.recordChanged(before, after);
    this.#forgotten.see(before, after);
    if (!before || !after || this.#forgotten.isExpiryOfResult(before, after)) return;
    if (before.state !== after.state && !mayMove(before.state, after.state)) {
      this.found('illegal', `task ${after.id} moved from ${before.state} to ${after.state}`);
    }
    this.#checkSuperseded(before, after);
    if (isFinal(before.state) && before.state === after.state && !isDeepStrictEqual(withoutNotes(before), withoutNotes(after))) {
      this.found('illegal', `task ${after.id} changed after its end`);
    }
    if (before.grant && after.grant && before.grant.fence !== after.grant.fence) {
      this.found('illegal', `task ${after.id} was granted again: fence ${before.grant.fence}, then ${after.grant.fence}`);
    }
  }

  /** What came too late is told beside a start that somebody else ended, and nowhere else: a result is that of the start that owns the end. */
  #checkSuperseded(before: Task, after: Task): void {
    const last = after.attempts.at(-1);
    const { start } = (after.result ?? {}) as { start?: number };
    if (after.state === 'completed' && !after.resultExpired && (last?.reason !== 'completed' || last.n !== start))
      this.found(
        'superseded',
        `task ${after.id} shows the result of start ${start}, but ended with ${last?.n} (${last?.reason})`,
      );
    after.attempts.forEach(({ n, reason, superseded }, index) => {
      if (!superseded || before.attempts[index]?.superseded) return;
      if (OWN_ENDS.includes(reason))
        this.found('superseded', `start ${n} of task ${after.id} supersedes its own end (${reason})`);
      const others = isDeepStrictEqual(withoutNotes(before), withoutNotes(after));
      if (!others) this.found('superseded', `a late word of start ${n} of task ${after.id} changed more than itself`);
    });
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

  /** By whoever says that it is paused, and nobody has asked it anything since. */
  startHandedOut(worker: ProcessRecord | undefined, { id, run }: Task): void {
    const obeys = worker?.incarnation === run?.incarnation && (worker?.heeded ?? 0) >= (worker?.wish?.n ?? Infinity);
    if (obeys && worker?.wish?.paused === true) this.found('paused', `${worker.name} begins task ${id} although it is paused`);
  }

  /** What a sink outside would see: the fence of a resource only grows. */
  bodyBegan(task: Task | undefined, attempt: number, fence: number | undefined): void {
    if (!task) return this.found('lost', 'a body began whose task has no record');
    const names = [...task.exclusive, ...task.shared];
    const modeOf = (name: string): 'any' | 'exclusive' => (task.exclusive.includes(name) ? 'any' : 'exclusive');
    for (const name of names) {
      const seen = [...this.#highestFence].filter(([other]) => overlap(other, name)).map(([, fences]) => fences[modeOf(name)]);
      const highest = Math.max(0, ...seen);
      if (fence !== undefined && fence > highest) continue;
      this.found('fence', `task ${task.id}, start ${attempt}, shows ${fence ?? 'no'} fence for ${name}, not above ${highest}`);
    }
    for (const name of names) {
      const highest = this.#highestFence.get(name) ?? { any: 0, exclusive: 0 };
      highest.any = Math.max(highest.any, fence ?? 0);
      if (modeOf(name) === 'any') highest.exclusive = Math.max(highest.exclusive, fence ?? 0);
      this.#highestFence.set(name, highest);
    }
  }

  /** One task per idempotency key, one task per slot, and what the history says. */
  conclude({ tasks, ...rest }: History, lastSchedule: Schedule | undefined): void {
    const history = { tasks: [...tasks, ...this.#forgotten.tasks], ...rest };
    const keys = new Map<string, string>();
    for (const task of history.tasks) {
      const key = task.idempotency?.key ?? (task.schedule && `slot ${task.schedule.slot.toISOString()}`);
      if (key === undefined) continue;
      const other = keys.get(key);
      if (other !== undefined) this.found('doubled', `tasks ${other} and ${task.id} stand for the same request (${key})`);
      keys.set(key, task.id);
    }
    this.#slots.conclude(history.tasks, lastSchedule);
    for (const evidence of this.#rates.violations()) this.found('rate', evidence);
    for (const { rule, tasks, evidence } of checkHistory(history)) this.found(rule, `${tasks.join(', ')}: ${evidence}`);
  }
}

/** What may be added to a task at any time, and counts for nothing. */
function withoutNotes(task: Task): object {
  return { ...task, attempts: task.attempts.map(attempt => ({ ...attempt, superseded: undefined })) };
}

function isOpen(task: Task | undefined): boolean {
  return task !== undefined && !isFinal(task.state);
}
