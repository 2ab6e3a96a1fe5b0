import type { TaskStore } from '../../src/store/store.js';

/** The one step made of two, for a store of which a test has only these. */
export function startBest(tasks: Pick<TaskStore, 'claimable' | 'start'>): TaskStore['startBest'] {
  return async (queues, run, only) => {
    const [best] = await tasks.claimable({ queues: [...queues], only, limit: 1 });
    if (!best) return undefined;
    const mine = await tasks.start([{ id: best.id, attempt: best.attempt, fence: 0 }], run);
    return mine.has(best.id)
      ? { ...best, state: 'running', attempt: best.attempt + 1, run: { ...run, at: new Date(0) } }
      : undefined;
  };
}
