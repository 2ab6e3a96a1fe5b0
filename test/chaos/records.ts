import type { ProcessRecord } from '../../src/core/process.js';
import type { Task } from '../../src/core/task.js';
import type { Store } from '../../src/store/store.js';

export interface Records {
  tasks: Task[];
  processes: ProcessRecord[];
  /** Server time before the first of them was read. */
  now: Date;
}

const PAGE = 500;

/** Everything that the database says in the end. */
export async function readRecords({ tasks, processes, schedules }: Store): Promise<Records> {
  const now = await schedules.now();
  const all: Task[] = [];
  for (let after: string | undefined; ;) {
    const page = await tasks.list({}, { limit: PAGE, newestFirst: false, ...(after !== undefined && { after }) });
    all.push(...page.items);
    after = page.items.at(-1)?.id;
    if (!page.more) break;
  }
  return { tasks: all, processes: await processes.list(), now };
}
