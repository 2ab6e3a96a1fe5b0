import type { JsonObject } from '../core/json.js';
import { dueSlots, type Schedule } from '../core/schedule.js';
import type { Log } from '../process/log.js';
import type { ScheduleStore } from '../store/store.js';

export interface SlotsDeps {
  schedules: Pick<ScheduleStore, 'due' | 'advance'>;
  /** Submits a slot's task; one that is there already is no error, but the very same task. Throws InterlockError. */
  submit: (body: JsonObject, slot: { id: string; slot: Date }) => Promise<{ id: string }>;
  log: Log;
}

const PAGE = 100;

/**
 * Step 10: creates the task of every due slot, then moves the schedule on. A crash in between repeats the slot, and the unique key
 * (schedule, slot) makes that the same task; so any number of beats create exactly one. Leadership only saves work.
 */
export async function createDueSlots(deps: SlotsDeps, mayAct: () => boolean): Promise<void> {
  const { now, schedules } = await deps.schedules.due(PAGE);
  for (const schedule of schedules) {
    if (!mayAct()) return;
    await createSlotsOf(deps, schedule, now);
  }
}

async function createSlotsOf({ schedules, submit, log }: SlotsDeps, schedule: Schedule, now: Date): Promise<void> {
  const { slots, nextAt } = dueSlots(schedule, now);
  let last: { id: string; slot: Date } | undefined;
  try {
    for (const slot of slots) last = { id: (await submit(schedule.task, { id: schedule.id, slot })).id, slot };
    const moved = await schedules.advance(schedule.id, schedule.nextAt, nextAt, last);
    const skipped = slotsBetween(schedule, nextAt) - slots.length;
    if (moved && skipped > 0)
      log.warn(
        `Schedule "${schedule.name}": ${skipped} slots passed while no beat was up and make no task (misfire ${schedule.misfire}).`,
        { schedule: schedule.id, from: schedule.nextAt, to: nextAt },
      );
  } catch (error) {
    // One bad schedule must not stop the others; its slot stays due and is tried again with the next tick.
    log.error(`Schedule "${schedule.name}" could not create its task for ${nextAt.toISOString()}.`, {
      err: error,
      schedule: schedule.id,
    });
  }
}

/** From the slot that was due, itself included, up to the next one. */
function slotsBetween({ rule, nextAt: due }: Schedule, nextAt: Date): number {
  return Math.round((nextAt.getTime() - due.getTime()) / rule.intervalMs);
}
