import { execFile } from 'node:child_process';

import type { Log } from './log.js';
import type { Timers } from './runtime.js';

/** What a process tells the systemd that started it; it goes nowhere where none did. */
export interface Notifier {
  /** It serves from now on, and is looked after by the watchdog. */
  ready(status: string): void;
  /** The watchdog is answered until the end: stopping has a limit of its own. */
  stopping(): void;
}

/** One call takes 6 to 10 ms of another process; on a machine that is short of everything, more. */
const CALL_MS = 10_000;
const SILENT: Notifier = { ready: () => undefined, stopping: () => undefined };

/**
 * Speaks through `systemd-notify`, as Node has no datagram sockets of this kind. The watchdog is answered by this process's own event loop: who is frozen, or
 * busy for ever, does not answer. A database or a broker that is away is no reason to be started anew: the role waits for it.
 */
export function systemdNotifier(env: NodeJS.ProcessEnv, { timers, log }: { timers: Timers; log: Log }): Notifier {
  if (!env.NOTIFY_SOCKET) return SILENT;
  const tell = (...what: string[]): void => notify(what, log);
  return {
    ready: status => {
      tell('--ready', `--status=${status}`);
      const everyMs = watchdogMs(env) / 2;
      if (everyMs > 0) void answer(everyMs, timers, () => tell('WATCHDOG=1'));
    },
    stopping: () => tell('STOPPING=1', '--status=Stopping'),
  };
}

/** How long systemd waits for an answer, in milliseconds; 0: nobody asks this process. */
export function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv, pid = process.pid): number {
  const micros = Number(WATCHDOG_USEC);
  if (!(micros > 0) || (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid))) return 0;
  return micros / 1_000;
}

/** As long as the process lives. */
async function answer(everyMs: number, timers: Timers, tell: () => void): Promise<never> {
  for (;;) {
    tell();
    await timers.sleep(everyMs);
  }
}

function notify(what: readonly string[], log: Log): void {
  execFile('systemd-notify', what, { timeout: CALL_MS }, error => {
    if (error) log.warn('systemd could not be told how this process is.', { err: error, what });
  });
}
