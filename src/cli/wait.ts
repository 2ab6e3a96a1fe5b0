import { TaskCanceled, TaskFailed, type TaskView } from '../client/client.js';
import type { Remote } from './remote.js';
import { stateOf } from './task-state.js';

/**
 * Waits until a task has ended, telling each change of its state on standard error. Data is the final task; on a terminal its
 * result. Throws TaskFailed, TaskCanceled or TaskTimeout, which decide the exit code. Ctrl-C leaves the task alone.
 */
export async function waitFor({ client, out }: Remote, id: string, timeout: number | undefined): Promise<void> {
  const detach = new AbortController();
  const onSignal = (): void => detach.abort(new Detached(id));
  process.once('SIGINT', onSignal);
  let told = '';
  const tell = (task: TaskView): void => {
    const now = stateOf(task);
    if (now !== told) out.note(`${task.id.slice(0, 13)}  ${task.name}  ${now}`);
    told = now;
  };
  try {
    const task = await client.wait(id, { ...(timeout !== undefined && { timeout }), signal: detach.signal, onRead: tell });
    out.data(task, () => (task.state === 'completed' ? JSON.stringify(task.result, undefined, 2) : stateOf(task)));
    if (task.state === 'failed') throw new TaskFailed(task);
    if (task.state !== 'completed') throw new TaskCanceled(task);
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    out.note(error.message);
    process.exitCode = 130; // 128 + SIGINT
  } finally {
    process.off('SIGINT', onSignal);
  }
}

class Detached extends Error {
  constructor(id: string) {
    super(`The task goes on. Wait again with: interlock task wait ${id}; end it with: interlock task cancel ${id}`);
  }
}
