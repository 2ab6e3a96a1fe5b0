import type { ProcessRecord } from '../core/process.js';

export type Assignment = 'late' | 'eager';

export type Candidate = Pick<ProcessRecord, 'name' | 'queues' | 'dedicated' | 'slots'> & {
  /** Granted tasks that are bound to it and not final. */
  bound: number;
};

/**
 * Which worker a task is bound to at its grant; undefined leaves it to whichever worker of its queue is free first.
 * Late assignment binds only to dedicated workers, as they take nothing else: to one with a free slot, or to the least loaded when nobody
 * else serves the queue. Eager assignment binds every task to the least loaded worker that may take it.
 */
export function assign(queue: string, workers: readonly Candidate[], assignment: Assignment): string | undefined {
  const serving = workers.filter(worker => !worker.dedicated && worker.queues.includes(queue));
  const dedicated = workers.filter(worker => worker.dedicated);
  if (assignment === 'eager') return leastLoaded([...serving, ...dedicated])?.name;
  const free = dedicated.filter(worker => worker.bound < worker.slots);
  return leastLoaded(serving.length > 0 ? free : dedicated)?.name;
}

function leastLoaded(workers: readonly Candidate[]): Candidate | undefined {
  const load = (worker: Candidate): number => worker.bound / Math.max(worker.slots, 1);
  return workers.toSorted((a, b) => load(a) - load(b) || a.name.localeCompare(b.name))[0];
}
