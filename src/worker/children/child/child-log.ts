import type { Log } from '../../../process/log.js';
import { bounded } from '../../../tasks/body.js';
import { Budget } from '../budget.js';
import type { FromChild } from '../from-child.js';

export type Line = Omit<Extract<FromChild, { kind: 'log' }>, 'run'>;

const LINES_PER_SECOND = 100;
const LINES_AT_ONCE = 1_000;
const MAX_MESSAGE = 4 * 1024;
const MAX_FIELDS = 8 * 1024;

/** `ctx.log`: lines go to the supervisor, which adds the task. Too many of them, also for `mayLog`, are dropped and counted. */
export function childLog(send: (line: Line) => void, mayLog: () => boolean = () => true): Log {
  const budget = new Budget(LINES_PER_SECOND, LINES_AT_ONCE);
  let dropped = 0;
  const write = (level: Line['level'], message: string, fields: Record<string, unknown>): void => {
    if (!budget.take() || !mayLog()) {
      dropped += 1;
      return;
    }
    if (dropped > 0) send({ kind: 'log', level: 'warn', message: `(${dropped} log lines dropped)`, fields: {} });
    dropped = 0;
    send({ kind: 'log', level, message: bounded(message, MAX_MESSAGE), fields: plain(fields) });
  };
  const logOf = (fixed: Record<string, unknown>): Log => ({
    error: (message, fields) => write('error', message, { ...fixed, ...fields }),
    warn: (message, fields) => write('warn', message, { ...fixed, ...fields }),
    info: (message, fields) => write('info', message, { ...fixed, ...fields }),
    debug: (message, fields) => write('debug', message, { ...fixed, ...fields }),
    child: fields => logOf({ ...fixed, ...fields }),
  });
  return logOf({});
}

/** As JSON, errors with their message and stack; what cannot be written, or is too long, is named instead. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  try {
    const text = JSON.stringify(fields, (_key, value: unknown) =>
      value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value,
    );
    return text.length <= MAX_FIELDS ? (JSON.parse(text) as Record<string, unknown>) : { fields: `(${text.length} characters)` };
  } catch {
    return { fields: '(not JSON)' };
  }
}
