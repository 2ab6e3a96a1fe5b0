import { setFlagsFromString } from 'node:v8';

import type { ProcessLogger } from '../process/logger.js';
import { startAll, type Service } from '../process/service.js';
import { onSignals } from '../process/signals.js';
import { system } from '../process/system.js';

export interface Serving {
  logger: ProcessLogger;
  /** In this order; when one fails, those before it are stopped in reverse. */
  start: readonly Service[];
  /** In this order, each even if one before it failed. */
  stop: readonly Service[];
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

const ABANDON_MS = 3_000;
/** In per cent of what lives: a third less memory at the peak, for a hundredth of a core (docs/decisions/heap.md). */
const MOST_GARBAGE = 40;

/**
 * The life of a role: start, serve until the first SIGTERM or SIGINT, stop in order, exit. A second signal, a stop that takes too
 * long, and the end of the process that started us (`interlock dev`) end it at once; so does any error that nobody caught.
 * Never returns.
 */
export async function serve(role: Serving, asked: AbortController): Promise<never> {
  const { logger } = role;
  const end = endingOf(role);
  setFlagsFromString(`--heap-growing-percent=${MOST_GARBAGE}`);
  let overdue: NodeJS.Timeout | undefined;
  // Task modules may print; a reader of that who is gone (a restarted journal) is no reason for a role to end.
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  process.on('uncaughtException', error => void end(1, 'An error that nobody caught', error));
  process.on('unhandledRejection', error => void end(1, 'A rejection that nobody handled', error));
  leaveWithParent(() => void end(1, 'The process that started this one is gone'));
  onSignals(
    {
      graceful: signal => {
        logger.info(`${signal}: stopping.`);
        overdue = setTimeout(() => void end(1, `Stopping took more than ${role.stopWithinMs / 1_000} s`), role.stopWithinMs);
        asked.abort();
      },
      forced: signal => void end(1, `A second signal (${signal})`),
    },
    system.clock,
  );
  await startAll(role.start);
  if (!asked.signal.aborted) announce(role);
  await aborted(asked.signal);
  const clean = await stopInOrder(role);
  clearTimeout(overdue);
  logger.info('Stopped.');
  await logger.close();
  process.exit(clean ? 0 : 1);
}

/** `interlock dev` holds the other end of our IPC channel; it may have died while we were starting. */
function leaveWithParent(leave: () => void): void {
  if (process.channel) process.once('disconnect', leave);
  // Never connected (a shell, systemd) is undefined, whatever the typings say.
  else if ((process.connected as boolean | undefined) === false) leave();
}

function announce({ logger, ready }: Serving): void {
  const readiness = ready();
  logger.info(`Ready: ${readiness.detail}`);
  process.send?.(readiness);
}

/** The end without manners, once. */
function endingOf({ logger, abandon }: Serving): (code: number, why: string, error?: unknown) => Promise<void> {
  let ending = false;
  return async (code, why, error) => {
    if (ending) return;
    ending = true;
    logger.fatal(`${why}: this process ends at once.`, error === undefined ? {} : { err: error });
    if (abandon) await Promise.race([abandon().catch(() => undefined), system.timers.sleep(ABANDON_MS)]);
    await logger.close();
    process.exit(code);
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
