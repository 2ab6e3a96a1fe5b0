import { createClient } from 'interlock';

/** Submits a task, and gives what its life looked like from outside. */
export async function watch(url: string, name: string, input: Record<string, string | number>): Promise<string[]> {
  const task = await createClient({ url }).enqueue(name, input);
  const seen: string[] = [];
  for await (const event of task.events()) {
    if (event.kind === 'resync') seen.push('something may be missing here');
    else if (event.kind === 'progress') seen.push(`progress ${event.task.progress?.at(-1)?.done ?? '?'}`);
    else seen.push(event.task.state);
  }
  return seen;
}

/** The first so many ends of tasks with this tag, whichever come. */
export async function firstEnds(url: string, tag: string, count: number): Promise<string[]> {
  const states = ['completed', 'failed', 'canceled', 'skipped'];
  const ended: string[] = [];
  for await (const event of createClient({ url }).events({ state: states, tag })) {
    if (event.kind === 'task' && !ended.includes(event.task.id)) ended.push(event.task.id);
    if (ended.length === count) break;
  }
  return ended;
}
