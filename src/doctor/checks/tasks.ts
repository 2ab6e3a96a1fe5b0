import { mayStart, serves } from '../../core/explain.js';
import { span } from '../../core/span.js';
import { labelOf, mayRun } from '../../core/task-type.js';
import type { LineTask } from '../../store/store.js';
import { grouped, named, ofRecords, quoted, type Check } from '../check.js';
import type { RecordsEvidence } from '../evidence.js';

export const TASK_CHECKS: readonly Check[] = [
  ofRecords(
    { name: 'queue-without-worker', severity: 'error', about: 'Tasks are ready in a queue that no live worker takes.' },
    records =>
      grouped(records.ready, task => unserved(task, records) && task.grant?.worker === undefined && task.queue).map(
        ([queue, tasks]) => ({
          evidence: `${tasks.length} tasks are ready in ${quoted(queue)}, the first being ${tasks[0]?.id ?? ''}; no live worker takes it.`,
          remedy: `interlock worker -Q ${queue}`,
        }),
      ),
  ),
  ofRecords({ name: 'bound-to-nobody', severity: 'error', about: 'Tasks are bound to a worker that is not live.' }, records =>
    grouped(records.ready, task => unserved(task, records) && (task.grant?.worker ?? false)).map(([worker, tasks]) => ({
      evidence: `${tasks.length} tasks wait for ${worker} alone, the first being ${tasks[0]?.id ?? ''}.`,
      remedy: `interlock worker -n '${worker}'; without it the leading resource manager binds them anew within seconds`,
    })),
  ),
  ofRecords(
    {
      name: 'type-without-worker',
      severity: 'error',
      about: 'Tasks are ready whose type (or its version) no live worker of their queue has.',
    },
    records =>
      grouped(records.ready, task => unknown(task, records) && labelOf(task)).map(([type, tasks]) => ({
        evidence: `${tasks.length} tasks of type ${quoted(type)} are ready, the first being ${tasks[0]?.id ?? ''}; no live worker of ${named([...new Set(tasks.map(({ queue }) => quoted(queue)))])} has it.`,
        remedy: 'Start a worker with that code: INTERLOCK_TASK_MODULES names it',
      })),
  ),
  ofRecords(
    {
      name: 'task-stalled',
      severity: 'error',
      about: 'A task waits though nothing is in its way, for longer than the repair of a lost hint takes.',
    },
    ({ stalled, patienceMs }) =>
      stalled.map(({ task, why }) => ({
        evidence: `${task.id} (${task.name}) has waited for more than ${span(patienceMs)}: ${why}`,
        remedy: `The logs of workers, resource manager and beat say why; interlock task explain ${task.id}`,
      })),
  ),
  ofRecords(
    {
      name: 'task-blocked-long',
      severity: 'warning',
      about: 'A task has waited for its resources for longer than an hour (`--blocked-after` says otherwise).',
    },
    ({ blocked, blockedAfterMs }) =>
      blocked.map(({ id, name, text }) => ({
        evidence: `${id} (${name}) has waited for more than ${span(blockedAfterMs)}: ${text}`,
        remedy: `interlock task explain ${id}; who holds it is ended by: interlock task cancel ID`,
      })),
  ),
  ofRecords(
    {
      name: 'running-nowhere',
      severity: 'error',
      about: 'A task is recorded as running by a process that is not live, and no beat has ended it.',
    },
    ({ abandoned, now }) =>
      abandoned.map(({ id, name, worker, since }) => ({
        evidence: `${id} (${name}), started by ${worker} ${span(now.getTime() - since.getTime())} ago, which is not live any more.`,
        remedy: 'A beat that lives ends or requeues it within seconds: interlock beat',
      })),
  ),
  ofRecords(
    {
      name: 'tasks-not-purged',
      severity: 'warning',
      about: 'Tasks ended so long ago that the leading beat should have forgotten them.',
    },
    ({ unpurged, now }) =>
      grouped(unpurged, ({ state }) => state).map(([state, tasks]) => {
        const [first] = tasks;
        const age = first ? span(now.getTime() - first.finishedAt.getTime()) : '';
        const kept = first ? span(first.keptSeconds * 1_000) : '';
        return {
          evidence: `At least ${tasks.length} ${state} tasks are older than ${kept}, the first, ${first?.id ?? ''}, by its end ${age} old.`,
          remedy: `interlock beat (one has to lead), or at once: interlock task purge --state ${state} --finished-before TIME`,
        };
      }),
  ),
];

/** No live worker takes its queue, or it is bound to one that is not live. */
function unserved(task: LineTask, { workers }: RecordsEvidence): boolean {
  return !workers.some(worker => serves(worker, task));
}

function unknown(task: LineTask, { workers }: RecordsEvidence): boolean {
  const serving = workers.filter(worker => serves(worker, task));
  return serving.length > 0 && !serving.some(worker => mayRun(worker.types, task));
}

/** Those that a worker with a free slot could start now. */
export function startable(records: Pick<RecordsEvidence, 'ready' | 'workers'>): LineTask[] {
  const free = records.workers.filter(worker => worker.freeSlots > 0);
  return records.ready.filter(task => free.some(worker => mayStart(worker, task)));
}
