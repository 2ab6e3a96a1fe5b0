import { TaskCanceled, TaskFailed, type TaskView } from '../client/client.js';
import { askLine, somebodyIsThere } from './ask.js';
import { barsOf, LiveLines } from './bars.js';
import type { Remote } from './remote.js';
import { stateOf } from './task-state.js';

/**
 * Waits until a task has ended, telling each change of its state on standard error, with its progress as live bars where that is a terminal. Data is the
 * final task; on a terminal its result. Throws TaskFailed, TaskCanceled or TaskTimeout, which decide the exit code. Ctrl-C asks on a terminal whether to leave
 * the task alone or to cancel it; a second one, and every one elsewhere, leaves it alone.
 */
export async function waitFor({ client, out }: Remote, id: string, timeout: number | undefined): Promise<void> {
  const detach = new AbortController();
  const screen = screenOf(out);
  const interrupts = onInterrupt({
    detach: () => detach.abort(new Detached(id)),
    cancel: () => client.cancel(id),
    screen,
    note: text => out.note(text),
  });
  const stopBars = screen && followBars({ client, out }, id, screen);
  let told = '';
  const tell = (task: TaskView): void => {
    const now = stateOf(task);
    screen?.clear();
    if (now !== told) out.note(`${task.id.slice(0, 13)}  ${task.name}  ${now}`);
    told = now;
  };
  try {
    const task = await client.wait(id, { ...(timeout !== undefined && { timeout }), signal: detach.signal, onRead: tell });
    stopBars?.();
    out.data(task, () => (task.state === 'completed' ? JSON.stringify(task.result, undefined, 2) : stateOf(task)));
    if (task.state === 'failed') throw new TaskFailed(task);
    if (task.state !== 'completed') throw new TaskCanceled(task);
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    stopBars?.();
    out.note(error.message);
    process.exitCode = 130; // 128 + SIGINT
  } finally {
    stopBars?.();
    interrupts.off();
  }
}

/** Of a terminal that does not tell its width. */
const USUAL_COLUMNS = 80;

class Detached extends Error {
  constructor(id: string) {
    super(`The task goes on. Wait again with: interlock task wait ${id}; end it with: interlock task cancel ${id}`);
  }
}

function screenOf(out: Remote['out']): LiveLines | undefined {
  return !out.json && process.stderr.isTTY ? new LiveLines(process.stderr) : undefined;
}

/** Bars are a comfort: what goes wrong with their stream is told by the wait itself, or by nobody. Returns how to end them. */
function followBars({ client }: Remote, id: string, screen: LiveLines): () => void {
  const over = new AbortController();
  const follow = async (): Promise<void> => {
    for await (const event of client.task(id).events({ signal: over.signal })) {
      if (event.kind !== 'progress' || over.signal.aborted) continue;
      screen.draw(barsOf(event.task.progress ?? [], process.stderr.columns || USUAL_COLUMNS));
    }
  };
  void follow().catch(() => undefined);
  return () => {
    if (over.signal.aborted) return;
    over.abort();
    screen.clear();
  };
}

interface Choices {
  detach: () => void;
  cancel: () => Promise<unknown>;
  screen: LiveLines | undefined;
  note: (text: string) => void;
}

/** What Ctrl-C means while we wait. */
function onInterrupt({ detach, cancel, screen, note }: Choices): { off: () => void } {
  const over = new AbortController();
  let asking = false;
  const ask = async (): Promise<void> => {
    screen?.clear();
    const answer = await askLine(
      '\n[d] leave the task alone and end, [c] cancel it, anything else: go on waiting? ',
      over.signal,
    );
    asking = false;
    if (over.signal.aborted) return;
    const word = answer?.trim().toLowerCase();
    if (word === 'd' || answer === undefined) detach();
    if (word !== 'c') return;
    note('Canceling …');
    await cancel().catch((error: unknown) => note(error instanceof Error ? error.message : String(error)));
  };
  const onSignal = (): void => {
    if (asking || !somebodyIsThere()) {
      over.abort();
      detach();
      return;
    }
    asking = true;
    void ask();
  };
  process.on('SIGINT', onSignal);
  return {
    off: () => {
      over.abort();
      process.off('SIGINT', onSignal);
    },
  };
}
