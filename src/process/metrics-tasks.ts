import { Histogram, type Registry } from 'prom-client';

import { boundedLabel, MAX_TYPES } from './metrics.js';

/** From a no-op to a mirror of half a day. */
const BUCKETS = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 1_800, 7_200, 43_200];

/** Times starts of tasks, by type. Call it at the start, and what it gives at the end. */
export function timingTasks(registry: Registry): (task: { name: string }) => (end: string) => void {
  const durations = new Histogram({
    name: 'interlock_task_run_duration_seconds',
    help: `Starts that ended in this worker, by type and by what became of them; types beyond the first ${MAX_TYPES} are other.`,
    labelNames: ['task', 'end'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const labelOf = boundedLabel(MAX_TYPES);
  return ({ name }) => {
    const stop = durations.startTimer({ task: labelOf(name) });
    return end => void stop({ end });
  };
}
