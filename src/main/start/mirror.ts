import type { Client, TaskView } from '../../client/client.js';
import { InterlockError } from '../../core/errors.js';
import { isFinal } from '../../core/state.js';
import { system } from '../../process/system.js';

export interface MirrorOptions {
  client: Client;
  /** Of the repository that is mirrored. */
  origin: string;
  /** Called when both syncs stand in line: the first may go on now. */
  queued: () => void;
  /** A line of progress. */
  tell: (line: string) => void;
  signal: AbortSignal;
}

export interface Mirrored {
  repository: string;
  tasks: TaskView[];
  /** The second sync began only after the first had ended. */
  waitedForLock: boolean;
}

const LOOK_MS = 150;

/** Creates a repository and gives it three tasks at once, which its lock makes run one after the other: sync, sync, publish. */
export async function mirror({ client, origin, queued, tell, signal }: MirrorOptions): Promise<Mirrored> {
  const repository = await createRepository(client, origin);
  tell(`created the repository ${repository}, a mirror of ${origin}`);
  const first = await client.repositories.sync(repository);
  const second = await client.repositories.sync(repository);
  const last = await client.repositories.publish(repository);
  const watching = [follow('sync', first), follow('second sync', second), follow('publish', last)];
  await begun(first);
  tell(`lock: ${(await client.explain(second.id)).text}`);
  queued();
  const tasks = await Promise.all(watching);
  return { repository, tasks, waitedForLock: startedAfter(tasks[1], tasks[0]) };

  /** Until it holds the lock that the others wait for. */
  async function begun(submitted: TaskView): Promise<void> {
    while ((await client.get(submitted.id)).state === 'waiting') {
      await system.timers.sleep(LOOK_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** Tells every state that it sees, until the last. */
  async function follow(what: string, submitted: TaskView): Promise<TaskView> {
    let told = '';
    for (;;) {
      const task = await client.get(submitted.id);
      if (task.state !== told) tell(line(what, task));
      told = task.state;
      if (isFinal(task.state)) return task;
      await system.timers.sleep(LOOK_MS, signal);
      signal.throwIfAborted();
    }
  }
}

/** With servers of one's own the plain name may be taken by an earlier start. */
async function createRepository(client: Client, url: string): Promise<string> {
  const names = ['demo', `demo-${system.random.uuid().slice(0, 8)}`];
  for (const name of names) {
    try {
      return (await client.repositories.create({ name, url })).name;
    } catch (error) {
      if (!(error instanceof InterlockError) || error.code !== 'CONFLICT' || name === names.at(-1)) throw error;
    }
  }
  throw new Error('unreachable: the last name throws or returns');
}

function line(what: string, task: TaskView): string {
  const detail = task.state === 'waiting' ? ` for ${task.waitingFor ?? '?'}` : task.error ? `: ${task.error.message}` : '';
  return `${what.padEnd(12)} ${task.id.slice(0, 13)}  ${task.state}${detail}`;
}

function startedAfter(later: TaskView | undefined, earlier: TaskView | undefined): boolean {
  const [started, ended] = [later?.startedAt, earlier?.finishedAt];
  return started !== null && started !== undefined && ended !== null && ended !== undefined && started >= ended;
}
