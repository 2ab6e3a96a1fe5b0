import { omit } from '../core/omit.js';
import { dueSlots, failuresReason, pausedFor, type Due, type Pending, type Schedule } from '../core/schedule.js';
import { isFinal } from '../core/state.js';
import type { TaskStore } from '../store/store.js';

export interface DecideDeps {
  tasks: Pick<TaskStore, 'get' | 'runsOf'>;
}

/** What becomes of a schedule whose time has come. */
export interface Decision {
  schedule: Schedule;
  /** The slot that was due. */
  from: Date;
  /** Slots that passed and make no task. */
  missed: number;
  /** The open task because of which the slot makes none. */
  overlapped?: string;
}

/** Runs that have not ended are passed over, up to this many of them. */
const OPEN_RUNS = 100;

/** Reads only. Throws StoreError. */
export async function decide({ tasks }: DecideDeps, schedule: Schedule, now: Date): Promise<Decision> {
  const from = schedule.nextAt ?? now;
  const broken = await failing(tasks, schedule);
  if (broken !== undefined) return { schedule: pausedFor(schedule, { at: now, reason: broken }), from, missed: 0 };
  const due = dueSlots(schedule, now);
  const slots = due.slots.slice(0, schedule.remainingRuns);
  const { missed } = due;
  const open = slots.length > 0 && schedule.overlap !== 'allow' ? await openRun(tasks, schedule) : undefined;
  if (open !== undefined && schedule.overlap === 'skip') {
    const moved = { ...omit(schedule, 'nextAt'), ...nextOf(due), skipped: schedule.skipped + slots.length };
    return { schedule: moved, from, missed, overlapped: open };
  }
  if (slots.length === 0) return { schedule: { ...omit(schedule, 'nextAt'), ...nextOf(due) }, from, missed };
  return { schedule: withPending(schedule, { ...due, slots }, open), from, missed };
}

/** `nextAt` stays as it is, so that whoever looks next finds what is pending. */
function withPending(schedule: Schedule, due: Due, open: string | undefined): Schedule {
  const { remainingRuns } = schedule;
  const left = remainingRuns === undefined ? undefined : remainingRuns - due.slots.length;
  const pending: Pending = {
    slots: due.slots,
    ...(due.nextAt && left !== 0 && { then: due.nextAt }),
    ...(open !== undefined && { cancel: open }),
    tries: 0,
  };
  return { ...schedule, pending, ...(left !== undefined && { remainingRuns: left }) };
}

function nextOf({ nextAt }: Due): Pick<Schedule, 'nextAt'> {
  return nextAt ? { nextAt } : {};
}

/** Why it is paused, if the last runs that completed or failed all failed. */
async function failing(
  tasks: Pick<TaskStore, 'runsOf'>,
  { id, failureThreshold, countedFrom }: Schedule,
): Promise<string | undefined> {
  if (failureThreshold === undefined) return undefined;
  const runs = await tasks.runsOf(id, countedFrom, failureThreshold + OPEN_RUNS);
  const ended = runs.filter(({ state }) => state === 'completed' || state === 'failed').slice(0, failureThreshold);
  if (ended.length < failureThreshold || ended.some(({ state }) => state !== 'failed')) return undefined;
  return failuresReason(failureThreshold, ended[0]?.id ?? '');
}

async function openRun(tasks: Pick<TaskStore, 'get'>, { lastTask }: Schedule): Promise<string | undefined> {
  const last = lastTask && (await tasks.get(lastTask.id));
  return last && !isFinal(last.state) ? last.id : undefined;
}
