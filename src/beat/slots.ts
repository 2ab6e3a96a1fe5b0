import { InterlockError } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import { postponed, settled, type Schedule } from '../core/schedule.js';
import type { Log } from '../process/log.js';
import type { ScheduleStore } from '../store/store.js';
import { decide, type Decision, type DecideDeps } from './decide.js';

export interface SlotsDeps extends DecideDeps {
  schedules: Pick<ScheduleStore, 'due' | 'replace'>;
  /** Submits a slot's task; one that is there already is no error, but the very same task. Throws InterlockError. */
  submit: (body: JsonObject, slot: { id: string; slot: Date }) => Promise<{ id: string }>;
  /** Cancels a task, unless it has ended or is gone. Throws StoreError. */
  cancel: (id: string) => Promise<void>;
  log: Log;
}

const PAGE = 100;
/** So many schedules are looked at side by side: their tasks share an insert. */
const AT_ONCE = 25;
/** A tick takes no longer than these pages; the next one goes on. */
const MAX_PAGES = 20;

/**
 * Step 10, in three writes for a slot: the schedule is moved to "these slots have a task", the tasks are created, the schedule is moved on. A crash
 * in between repeats what was decided, never the decision, and the unique key (schedule, slot) makes that the same tasks: so any number of beats
 * create exactly one a slot, and count it once. Leadership only saves work.
 */
export async function createDueSlots(deps: SlotsDeps, mayAct: () => boolean): Promise<void> {
  for (let page = 0; page < MAX_PAGES; page++) {
    const { now, schedules } = await deps.schedules.due(PAGE);
    let moved = 0;
    for (let from = 0; from < schedules.length; from += AT_ONCE) {
      if (!mayAct()) return;
      const portion = schedules.slice(from, from + AT_ONCE);
      const results = await Promise.all(portion.map(schedule => serve(deps, schedule, now)));
      moved += results.filter(Boolean).length;
    }
    // Whatever did not move would only be found again.
    if (schedules.length < PAGE || moved === 0) return;
  }
}

/** Resolves with whether it is out of the way of others. One bad schedule must not stop them. */
async function serve(deps: SlotsDeps, seen: Schedule, now: Date): Promise<boolean> {
  let schedule = seen;
  try {
    if (!schedule.pending) {
      const decision = await decide(deps, schedule, now);
      const stored = await deps.schedules.replace(decision.schedule);
      if (typeof stored === 'string') return false;
      tell(deps.log, decision);
      schedule = stored;
    }
    return schedule.pending ? await create(deps, schedule) : true;
  } catch (error) {
    const slot = seen.pending?.slots[0] ?? seen.nextAt;
    deps.log.error(`Schedule "${seen.name}" could not create its task for ${slot?.toISOString() ?? 'its slot'}.`, {
      err: error,
      schedule: seen.id,
    });
    return postpone(deps, schedule, { now, error });
  }
}

async function create({ schedules, submit, cancel }: SlotsDeps, schedule: Schedule): Promise<boolean> {
  const { pending } = schedule;
  if (!pending) return true;
  if (pending.cancel !== undefined) await cancel(pending.cancel);
  let last: { id: string; slot: Date } | undefined;
  for (const slot of pending.slots) last = { id: (await submit(schedule.task, { id: schedule.id, slot })).id, slot };
  if (!last) return true;
  // Where a user changed it meanwhile, the next tick finds the same tasks again, and moves it on.
  return typeof (await schedules.replace(settled(schedule, last))) !== 'string';
}

/** What is refused will be refused again in a second; what the database could not do is tried with the next tick. */
async function postpone(
  { schedules, log }: SlotsDeps,
  schedule: Schedule,
  { now, error }: { now: Date; error: unknown },
): Promise<boolean> {
  const refused = !(error instanceof InterlockError) || error.status < 500;
  if (!refused || !schedule.pending) return false;
  try {
    return typeof (await schedules.replace(postponed(schedule, now))) !== 'string';
  } catch (failure) {
    log.warn(`Schedule "${schedule.name}" could not be put off.`, { err: failure, schedule: schedule.id });
    return false;
  }
}

function tell(log: Log, { schedule, missed, overlapped, from }: Decision): void {
  const { id, name, misfire, paused, nextAt, pending } = schedule;
  const facts = { schedule: id, from, to: pending?.then ?? nextAt };
  if (missed > 0)
    log.warn(
      `Schedule "${name}": ${missed} slots passed while no beat was up, or during a maintenance, and make no task (misfire ${misfire}).`,
      facts,
    );
  if (overlapped !== undefined)
    log.info(`Schedule "${name}": the slot ${from.toISOString()} makes no task, as task ${overlapped} is still open.`, facts);
  if (paused) log.warn(`Schedule "${name}" is paused: ${paused.reason}`, facts);
}
