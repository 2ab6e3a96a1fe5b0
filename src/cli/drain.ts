import type { Client, MaintenanceView, TaskView } from '../client/client.js';
import { isTransient, pause } from '../client/transport.js';
import { InterlockError } from '../core/errors.js';
import { WAITING_FOR } from '../core/state.js';
import { TimedOut, UsageError } from './exit-codes.js';
import type { Remote } from './remote.js';

export interface DrainOptions {
  /** Seconds. */
  timeout?: number;
  reason?: string;
  leaveDelayed?: boolean;
  cancelDelayed?: boolean;
}

const LOOK_MS = 1_000;
/** A delay that is about to end is let end: the task would run by the time that its cancel arrives. */
const TOO_LATE_MS = 60_000;
/** An API that is started again, or a database that elects, is away for less. */
const AWAY_MS = 60_000;
const PAGE = 500;
const OPEN_AGAIN = 'New tasks stay refused; `interlock drain --resume` takes them again.';

/**
 * Turns acceptance off and waits until nothing is left, telling on standard error whenever the numbers change. Data is the last look. Throws TimedOut.
 * Ctrl-C ends the wait, with acceptance off.
 */
export async function drain({ client, out }: Remote, options: DrainOptions): Promise<void> {
  if (options.leaveDelayed && options.cancelDelayed) throw new UsageError('Give either --leave-delayed or --cancel-delayed.');
  const detach = new AbortController();
  const onSignal = (): void => detach.abort();
  process.once('SIGINT', onSignal);
  try {
    const over = performance.now() + (options.timeout ?? Infinity) * 1_000;
    const first = await client.maintenance.on(options.reason ?? 'drain');
    out.note('New tasks are refused, and schedules make none. Waiting until every task has ended …');
    const last = await untilEmpty({ client, out }, { first, options, over, signal: detach.signal });
    if (detach.signal.aborted) {
      out.note(`Interrupted: ${openText(last)}. ${OPEN_AGAIN}`);
      process.exitCode = 130; // 128 + SIGINT
      return;
    }
    out.data(last, () => `${isEmpty(last) ? 'Every task has ended.' : `Left: ${openText(last)}.`} ${OPEN_AGAIN}`);
  } finally {
    process.off('SIGINT', onSignal);
  }
}

interface Waiting {
  first: MaintenanceView;
  options: DrainOptions;
  /** `performance.now()` */
  over: number;
  signal: AbortSignal;
}

async function untilEmpty({ client, out }: Remote, { first, options, over, signal }: Waiting): Promise<MaintenanceView> {
  let [view, told, advised, quiet] = [first, '', false, 0];
  while (!signal.aborted) {
    if (!view.on) throw new InterlockError('CONFLICT', 'Somebody else has opened acceptance again: this drain would never end.');
    const now = openText(view);
    if (now !== told) out.note(now);
    told = now;
    // Twice in a row: between an end and what comes after it there is a moment when neither is counted as what it is.
    quiet = isEmpty(view) || (options.leaveDelayed && onlyPauses(view)) ? quiet + 1 : 0;
    if (quiet === 2) return view;
    if (options.cancelDelayed && view.delays) await cancelDelayed(client);
    else if (!advised && view.delays && onlyPauses(view) && !options.leaveDelayed) {
      out.note(`Only what waits for a time is left, the last until ${view.delays.last}. ${CHOICES}`);
      advised = true;
    }
    const leftMs = over - performance.now();
    if (leftMs <= 0) throw new TimedOut(`Not drained after ${options.timeout ?? 0} s: ${openText(view)}. ${OPEN_AGAIN}`);
    await pause(Math.min(LOOK_MS, leftMs), signal);
    view = await looked({ client, out }, signal, view);
  }
  return view;
}

/** Throws what will not pass by itself, and Unreachable when it does not for a minute. Interrupted, it gives what was known. */
async function looked({ client, out }: Remote, signal: AbortSignal, known: MaintenanceView): Promise<MaintenanceView> {
  const giveUpAt = performance.now() + AWAY_MS;
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await client.maintenance.get();
    } catch (error) {
      if (!isTransient(error) || performance.now() > giveUpAt) throw error;
      if (tries === 0) out.note(`No answer, asking again: ${(error as Error).message}`);
      await pause(LOOK_MS, signal);
    }
  }
  return known;
}

const CHOICES =
  'It may stay in the database over a restart: end this with Ctrl-C, or use --leave-delayed. --cancel-delayed cancels it. Without either this goes on waiting.';

function isEmpty({ open }: MaintenanceView): boolean {
  return open.running + open.canceling + Object.values(open.waiting).reduce((sum, n) => sum + n, 0) === 0;
}

/** What waits for other tasks then comes after what waits for a time: nothing else is open that it could come after. */
function onlyPauses({ open }: MaintenanceView): boolean {
  const { running, canceling, waiting } = open;
  return running + canceling + waiting.worker + waiting.resources + waiting.limit === 0;
}

function openText({ open }: MaintenanceView): string {
  const waiting = WAITING_FOR.filter(what => open.waiting[what] > 0).map(
    what => `${open.waiting[what]} waiting for ${WORDS[what]}`,
  );
  const active = (['running', 'canceling'] as const).filter(state => open[state] > 0).map(state => `${open[state]} ${state}`);
  return [...active, ...waiting].join(', ') || 'nothing is left';
}

const WORDS = {
  delay: 'a delay',
  resources: 'resources',
  worker: 'a worker',
  retry: 'a retry',
  dependencies: 'other tasks',
  limit: 'a limit',
} as const;

async function cancelDelayed(client: Client): Promise<void> {
  let path: string | null = `/tasks?state=waiting&limit=${PAGE}&fields=id,waitingFor,dueAt`;
  while (path !== null) {
    const page: { items: Pick<TaskView, 'id' | 'waitingFor' | 'dueAt'>[]; next: string | null } = await client.list(path);
    for (const { id, waitingFor, dueAt } of page.items) {
      if ((waitingFor !== 'delay' && waitingFor !== 'retry') || dueAt === null || Date.parse(dueAt) < Date.now() + TOO_LATE_MS)
        continue;
      await client.cancel(id).catch((error: unknown) => {
        const gone = error instanceof InterlockError && (error.code === 'TASK_FINAL' || error.code === 'MISSING_RESOURCE');
        if (!gone) throw error;
      });
    }
    path = page.next;
  }
}
