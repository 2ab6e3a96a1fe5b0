import type { Outcome } from './outcome.js';
import type { State, WaitingFor } from './state.js';
import type { EndReason, ProgressReport, Task } from './task.js';

/**
 * That something has changed in a task, told to whoever listens. Like a hint it may be lost, doubled or late: the record is the truth. Absent means what
 * it means in a task, unless `cut` names the field.
 */
export interface TaskEvent extends Pick<Task, 'id' | 'name' | 'state' | 'attempt' | 'queue' | 'tags' | 'correlationId'> {
  kind: 'task' | 'progress';
  waitingFor?: WaitingFor;
  /** By the clock of the process that tells. */
  at: Date;
  reason?: EndReason;
  worker?: string;
  group?: string;
  parent?: string;
  /** Of `progress` only: the reports of this start. */
  progress?: ProgressReport[];
  /** Fields that did not fit, as a whole or in part. */
  cut?: CutField[];
}

export const CUT_FIELDS = ['name', 'tags', 'correlationId', 'group', 'parent', 'progress'] as const;
export type CutField = (typeof CUT_FIELDS)[number];

/** What of a task is different from the record at hand. */
export type Change = Pick<TaskEvent, 'state'> & Pick<TaskEvent, 'waitingFor' | 'reason'>;

export type EventSource = Pick<Task, 'id' | 'name' | 'state' | 'attempt' | 'queue' | 'tags' | 'correlationId'> &
  Partial<Pick<Task, 'waitingFor' | 'reason' | 'run' | 'attempts' | 'group' | 'parent'>>;

/** The event that a record stands for, as it is or as `change` has made it. */
export function eventOf(task: EventSource, at: Date, change: Change = task): TaskEvent {
  const { id, name, attempt, queue, tags, correlationId, group, parent } = task;
  const { state, waitingFor, reason } = change;
  const worker = task.run?.worker ?? task.attempts?.at(-1)?.worker;
  return {
    kind: 'task',
    ...{ id, name, state, attempt, queue, tags, correlationId, at },
    ...(waitingFor !== undefined && state === 'waiting' && { waitingFor }),
    ...(reason !== undefined && { reason }),
    ...(worker !== undefined && { worker }),
    ...(group !== undefined && { group }),
    ...(parent !== undefined && { parent }),
  };
}

/** The same with what its body reports. */
export function progressOf(task: EventSource, at: Date, progress: ProgressReport[]): TaskEvent {
  return { ...eventOf(task, at), kind: 'progress', progress };
}

/**
 * What the recorded end of a start has made of its task. Undefined: only the record knows. A start that may be followed by another one, or that was
 * lost, leaves a task that was being cancelled meanwhile canceled.
 */
export function changeOf(outcome: Outcome): Change | undefined {
  switch (outcome.kind) {
    case 'completed':
    case 'skipped':
      return { state: outcome.kind };
    case 'canceled':
      return { state: 'canceled', reason: outcome.reason };
    case 'failed': {
      if (outcome.reason === 'worker-lost') return undefined;
      return { state: 'failed', ...(outcome.reason !== undefined && { reason: outcome.reason }) };
    }
    case 'retried':
    case 'requeued':
      return undefined;
  }
}

/** What a start goes through, in this order; the next start has a higher `attempt`. */
const STEP: Readonly<Record<State, number>> = {
  running: 0,
  canceling: 1,
  waiting: 2,
  completed: 3,
  failed: 3,
  canceled: 3,
  skipped: 3,
};

/** Whether `event` tells of something that came before what `told` says of the same task. */
export function isOlder(event: Pick<TaskEvent, 'state' | 'attempt'>, told: Pick<TaskEvent, 'state' | 'attempt'>): boolean {
  if (STEP[told.state] === 3) return true; // nothing comes after an end
  if (event.attempt !== told.attempt) return event.attempt < told.attempt && STEP[event.state] < 3;
  return STEP[event.state] < STEP[told.state];
}

/** As it is shown to clients: nothing is left out, absent is null. */
export interface EventView {
  id: string;
  name: string;
  state: State;
  waitingFor: WaitingFor | null;
  at: string;
  attempt: number;
  reason: EndReason | null;
  queue: string;
  worker: string | null;
  group: string | null;
  parent: string | null;
  correlationId: string;
  tags: string[];
  progress: ProgressReport[] | null;
  /** Fields that did not fit into the event, as a whole or in part; the task has them. */
  cut: CutField[];
}

export function eventView(event: TaskEvent): EventView {
  const { id, name, state, waitingFor = null, at, attempt, reason = null, queue, worker = null } = event;
  const { group = null, parent = null, correlationId, tags, progress = null, cut = [] } = event;
  return {
    ...{ id, name, state, waitingFor, at: at.toISOString(), attempt, reason, queue, worker },
    ...{ group, parent, correlationId, tags, progress, cut },
  };
}
