import { setFlagsFromString } from 'node:v8';

import type { Stage } from '../core/wish.js';
import type { ProcessLogger } from '../process/logger.js';
import { startAll, type Service } from '../process/service.js';
import { onSignals, type SignalHandlers } from '../process/signals.js';
import { system } from '../process/system.js';
import { systemdNotifier, type Notifier } from '../process/systemd.js';
import { leave } from './leave.js';

export interface Serving {
  logger: ProcessLogger;
  /** In this order; when one fails, those before it are stopped in reverse. */
  start: readonly Service[];
  /** In this order, each even if one before it failed. */
  stop: readonly Service[];
  /** Where stopping takes stages: each signal after the first goes on to the next one, and the one after the last ends this process at once. */
  hasten?: (stage: Stage) => void;
  /** What stopping may take at most, in milliseconds. */
  stopWithinMs: number;
  /** For the line that says that it serves, and for whoever started it. */
  ready: () => Readiness;
  /** Before an end without manners: what must not outlive this process. At most 3 s of it are waited for. */
  abandon?: () => Promise<void>;
}

/** What a role says of itself once it serves. */
export interface Readiness {
  role: string;
  name: string;
  detail: string;
  url?: string;
}

type End = (code: number, why: string, error?: unknown) => Promise<void>;

const ABANDON_MS = 3_000;
/** In per cent of what lives: a third less memory at the peak, for a hundredth of a core (docs/decisions/heap.md). */
const MOST_GARBAGE = 40;

/**
 * The life of a role: start, serve until the first SIGTERM or SIGINT (or until `asked` aborts), stop in order, exit. A further signal hastens the stop where
 * it has stages; else that, a stop that takes too long, and the end of the process that started us (`interlock dev`) end it at once; so does any
 * error that nobody caught. Never returns.
 */
export async function serve(role: Serving, asked: AbortController): Promise<never> {
  const { logger } = role;
  const end = endingOf(role);
  const notifier = systemdNotifier(process.env, { timers: system.timers, log: logger });
  setFlagsFromString(`--heap-growing-percent=${MOST_GARBAGE}`);
  // Task modules may print; a reader of that who is gone (a restarted journal) is no reason for a role to end.
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  process.on('uncaughtException', error => void end(1, 'An error that nobody caught', error));
  process.on('unhandledRejection', error => void end(1, 'A rejection that nobody handled', error));
  leaveWithParent(() => void end(1, 'The process that started this one is gone'));
  let overdue: NodeJS.Timeout | undefined;
  void aborted(asked.signal).then(() => {
    notifier.stopping();
    overdue = setTimeout(() => void end(1, `Stopping took more than ${role.stopWithinMs / 1_000} s`), role.stopWithinMs);
  });
  onSignals(wishesOf(role, asked, end), system.clock);
  await startAll(role.start);
  if (!asked.signal.aborted) announce(role, notifier);
  await aborted(asked.signal);
  const clean = await stopInOrder(role);
  clearTimeout(overdue);
  logger.info('Stopped.');
  await logger.close();
  leave(clean ? 0 : 1);
}

/** What each signal means. */
function wishesOf({ logger, hasten }: Serving, asked: AbortController, end: End): SignalHandlers {
  let stage: Stage = 'warm';
  const goTo = (next: Stage, signal: string): void => {
    logger.warn(`${signal}: ${next === 'soft' ? 'what runs is asked to end now' : 'what runs is killed now'}.`);
    stage = next;
    hasten?.(next);
  };
  return {
    graceful: signal => {
      logger.info(`${signal}: stopping.`);
      asked.abort();
    },
    forced: signal => {
      if (!hasten || stage === 'cold') void end(1, `${hasten ? 'A further' : 'A second'} signal (${signal})`);
      else goTo(stage === 'warm' ? 'soft' : 'cold', signal);
    },
    ...(hasten && {
      urgent: signal => {
        if (stage === 'warm') goTo('soft', signal);
        asked.abort();
      },
    }),
  };
}

/** `interlock dev` holds the other end of our IPC channel; it may have died while we were starting. */
function leaveWithParent(leave: () => void): void {
  if (process.channel) process.once('disconnect', leave);
  // Never connected (a shell, systemd) is undefined, whatever the typings say.
  else if ((process.connected as boolean | undefined) === false) leave();
}

function announce({ logger, ready }: Serving, notifier: Notifier): void {
  const readiness = ready();
  logger.info(`Ready: ${readiness.detail}`);
  notifier.ready(readiness.detail);
  process.send?.(readiness);
}

/** The end without manners, once. */
function endingOf({ logger, abandon }: Serving): End {
  let ending = false;
  return async (code, why, error) => {
    if (ending) return;
    ending = true;
    logger.fatal(`${why}: this process ends at once.`, error === undefined ? {} : { err: error });
    if (abandon) await Promise.race([abandon().catch(() => undefined), system.timers.sleep(ABANDON_MS)]);
    await logger.close();
    leave(code);
  };
}

async function stopInOrder({ stop, logger }: Serving): Promise<boolean> {
  let clean = true;
  for (const service of stop) {
    try {
      await service.stop();
    } catch (error) {
      clean = false;
      logger.error(`${service.name}: stopping failed.`, { err: error });
    }
  }
  return clean;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
