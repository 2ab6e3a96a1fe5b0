import type { Static } from 'typebox';

import type { ProcessRecord } from '../../core/process.js';
import { typeOfLabel } from '../../core/task-type.js';
import { API_BASE } from '../../core/task-view.js';
import type { Task } from '../../core/task.js';
import { processOf } from '../processes.js';
import type { Roster } from '../roster.js';
import type { WorkerDetailSchema, WorkerSchema } from './schemas.js';

export function workerOf(process: ProcessRecord, roster: Roster): Static<typeof WorkerSchema> {
  const { name, queues, dedicated, slots, pool, paused = false, draining = false, unfamiliar = [], wish, heeded = 0 } = process;
  return {
    ...processOf(process, roster),
    href: `${API_BASE}/workers/${encodeURIComponent(name)}`,
    queues,
    dedicated,
    pool: pool ?? null,
    paused,
    draining,
    slots,
    freeSlots: roster.freeSlots(process),
    tasks: roster.tasksOf(name).map(task => task.id),
    awaiting: roster.awaitingOf(name).map(task => task.id),
    unfamiliar: [...unfamiliar],
    obeyed: wish === undefined || heeded >= wish.n,
    stats: statsOf(process, roster),
  };
}

/** Whole seconds apart: the numbers change with each heartbeat, and not in between. */
function statsOf({ stats, beatAt }: ProcessRecord, roster: Roster): Static<typeof WorkerSchema>['stats'] {
  if (!stats) return null;
  const { busy, ahead, children, residentMiB, childrenMiB, tasksRun, uptimeSeconds, loopUse } = stats;
  return { age: roster.ageOf(beatAt), busy, ahead, children, residentMiB, childrenMiB, tasksRun, uptimeSeconds, loopUse };
}

export function workerDetailOf(
  process: ProcessRecord,
  roster: Roster,
  reserved: readonly Task[],
): Static<typeof WorkerDetailSchema> {
  return {
    ...workerOf(process, roster),
    running: roster
      .tasksOf(process.name)
      .map(({ id, name, run, createdAt }) => ({ id, name, since: (run?.at ?? createdAt).toISOString() })),
    reserved: reserved.map(({ id, name }) => ({ id, name })),
    types: (process.types ?? []).map(typeOfLabel).map(({ name, version }) => ({ name, version: version === 0 ? null : version })),
  };
}
