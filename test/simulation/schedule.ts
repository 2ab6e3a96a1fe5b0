import { isFinal } from '../../src/core/state.js';
import { pausedFor, resumed, type Misfire, type Overlap, type Schedule } from '../../src/core/schedule.js';
import { slotAfter, type Rule } from '../../src/core/schedule-rule.js';
import type { Task } from '../../src/core/task.js';
import type { SimulatedDatabase } from '../../src/testing/store/database.js';
import type { Chance } from './chance.js';
import type { Scheduler } from './scheduler.js';

/** The one schedule of a run. */
export interface SchedulePlan {
  intervalMs: number;
  /** By a cron expression with seconds, instead of an interval: the same grid. */
  cron: boolean;
  misfire: Misfire;
  overlap: Overlap;
  remainingRuns: number | undefined;
  /** A user pauses it for a while. */
  pause: { fromMs: number; toMs: number } | undefined;
}

const ID = 'schedule';
/** Those that divide a minute, so that cron can say them. */
const SECONDS = [3, 4, 5, 6, 10, 12, 15, 20];

export function drawSchedule(chance: Chance, calmFromMs: number): SchedulePlan {
  const misfire = chance.pick(['one', 'all', 'skip'] as const);
  const fromMs = chance.between(0, calmFromMs);
  return {
    intervalMs: 1_000 * chance.pick(SECONDS),
    cron: chance.happens(0.3),
    misfire,
    overlap: misfire === 'all' ? 'allow' : chance.pick(['allow', 'skip', 'cancel'] as const),
    remainingRuns: chance.happens(0.4) ? 1 + chance.below(8) : undefined,
    pause: misfire !== 'all' && chance.happens(0.3) ? { fromMs, toMs: chance.between(fromMs, calmFromMs) } : undefined,
  };
}

/** From the beginning until the weather is calm. Gives what the record said when it was deleted. */
export function keepSchedule(
  plan: SchedulePlan,
  at: { scheduler: Scheduler; database: SimulatedDatabase; serverTime: () => Date; untilMs: number },
): () => Schedule | undefined {
  const { schedules } = at.database;
  const anchor = at.serverTime();
  const rule: Rule = plan.cron
    ? { kind: 'cron', cron: `*/${plan.intervalMs / 1_000} * * * * *`, timezone: 'Europe/Berlin' }
    : { kind: 'interval', intervalMs: plan.intervalMs, anchor };
  schedules.put(ID, {
    ...{ id: ID, name: ID, task: { name: 'slot', exclusive: ['r0'] }, rule, misfire: plan.misfire, overlap: plan.overlap },
    ...{ createdAt: anchor, skipped: 0, countedFrom: anchor, revision: 1, version: 0 },
    nextAt: slotAfter(rule, new Date(anchor.getTime() - 1)) ?? anchor,
    ...(plan.remainingRuns !== undefined && { remainingRuns: plan.remainingRuns }),
  });
  const change = (make: (schedule: Schedule) => Schedule): void => {
    const schedule = schedules.get(ID);
    if (schedule) schedules.put(ID, { ...make(schedule), version: schedule.version + 1 });
  };
  if (plan.pause) {
    at.scheduler.at(plan.pause.fromMs, () => change(each => pausedFor(each, { at: at.serverTime(), reason: 'user' })));
    at.scheduler.at(plan.pause.toMs, () => change(each => resumed(each, at.serverTime())));
  }
  let last: Schedule | undefined;
  at.scheduler.at(at.untilMs - 1, () => {
    last = schedules.get(ID);
    schedules.delete(ID);
  });
  return () => last;
}

type Found = (rule: string, evidence: string) => void;

/** What must hold of the tasks of slots, at every moment and at the end. */
export class SlotJudge {
  readonly #plan: SchedulePlan | undefined;
  readonly #found: Found;
  readonly #open = new Map<string, Task>();

  constructor(plan: SchedulePlan | undefined, found: Found) {
    this.#plan = plan;
    this.#found = found;
  }

  recordChanged(before: Task | undefined, after: Task | undefined): void {
    if (!after?.schedule) return;
    if (!before) this.#created(after);
    if (isFinal(after.state)) this.#open.delete(after.id);
    else this.#open.set(after.id, after);
  }

  /** Slots lie on their grid, none is left out where each missed one is to be made up for, and those that remain are counted exactly. */
  conclude(tasks: readonly Task[], last: Schedule | undefined): void {
    const slots = tasks.flatMap(task => (task.schedule ? [task.schedule.slot.getTime()] : [])).sort((a, b) => a - b);
    slots.forEach((slot, index) => {
      const previous = slots[index - 1];
      if (!this.#plan || previous === undefined) return;
      const apart = (slot - previous) / this.#plan.intervalMs;
      if (Math.abs(apart - Math.round(apart)) > 1e-3) this.#found('slots', `the slot ${slot} is not on the grid of ${previous}`);
      if (this.#plan.misfire === 'all' && Math.round(apart) !== 1)
        this.#found('slots', `${Math.round(apart) - 1} slots between ${previous} and ${slot} have no task`);
    });
    this.#count(slots.length, last);
  }

  #created({ id, schedule }: Task): void {
    const overlap = this.#plan?.overlap ?? 'allow';
    if (overlap === 'allow') return;
    for (const other of this.#open.values()) {
      if (overlap === 'cancel' && other.state === 'canceling') continue;
      const evidence = `task ${id} of ${schedule?.slot.toISOString() ?? ''} was created while ${other.id} was ${other.state}`;
      this.#found('overlap', evidence);
    }
  }

  /** What was pending when the schedule was deleted may never have come to be. */
  #count(made: number, last: Schedule | undefined): void {
    const total = this.#plan?.remainingRuns;
    if (total === undefined || last?.remainingRuns === undefined) return;
    const decided = total - last.remainingRuns;
    const pending = last.pending?.slots.length ?? 0;
    if (made <= decided && made >= decided - pending) return;
    this.#found('slots', `${made} slots have a task, and ${decided} of ${total} runs are used up, ${pending} of them pending`);
  }
}
