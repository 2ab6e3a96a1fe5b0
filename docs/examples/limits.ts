import { setTimeout as sleep } from 'node:timers/promises';

import { defineTask, SoftTimeLimit } from 'interlock';
import { Type } from 'typebox';

export const index = defineTask({
  name: 'index',
  input: Type.Object({ pages: Type.Integer(), stuckAt: Type.Optional(Type.Integer()) }),
  softTimeLimit: 2,
  timeLimit: 10,
  stallAfter: 3,
  async handler({ pages, stuckAt }, ctx) {
    const bar = ctx.progress('index.pages', { message: 'Pages', total: pages });
    let page = 0;
    try {
      for (; page < pages; page++) {
        await sleep(page === stuckAt ? 60_000 : 100, undefined, page === stuckAt ? {} : { signal: ctx.signal });
        bar.increment();
      }
      return { done: page, complete: true };
    } catch (error) {
      if (!(ctx.signal.reason instanceof SoftTimeLimit)) throw error;
      return { done: page, complete: false }; // in order, with what there is
    }
  },
});
