import { STATES } from '../../../src/core/state.js';
import type { Task } from '../../../src/core/task.js';
import type { TaskFilter, TaskStore } from '../../../src/store/store.js';
import type { Chance } from './drift-chance.js';

/** A page of a list, as somebody might ask for it. */
export function pageOf(items: readonly Task[], chance: Chance): { filter: TaskFilter; page: Parameters<TaskStore['list']>[1] } {
  const edge = chance.few(items)[0]?.id;
  const filter = {
    ...(chance.maybe() ? { state: chance.some(STATES) } : {}),
    ...(chance.rarely() ? { queue: ['q'] } : {}),
    ...(chance.rarely() ? { tag: chance.some(['x', 'y']) } : {}),
    ...(chance.rarely() ? { resource: chance.some(['a', 'b']) } : {}),
    ...(chance.rarely() ? { worker: ['w'] } : {}),
    ...(chance.rarely() ? { schedule: ['s'] } : {}),
  };
  const limit = 1 + chance.below(5);
  const page = {
    limit,
    newestFirst: chance.maybe(),
    ...(edge === undefined ? {} : { [chance.one(['after', 'before'])]: edge }),
  };
  return { filter, page };
}
