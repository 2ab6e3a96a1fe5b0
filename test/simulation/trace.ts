import { silentLog, type Log } from '../../src/process/log.js';

/** A log that writes into the trace of a run; without one it says nothing. */
export function traceLog(write: ((line: string) => void) | undefined): Log {
  if (!write) return silentLog;
  const line =
    (level: string) =>
    (message: string, fields?: Record<string, unknown>): void => {
      const error = fields?.err instanceof Error ? ` (${fields.err.message})` : '';
      write(`${level} ${message}${error}`);
    };
  const log: Log = { error: line('ERROR'), warn: line('warn'), info: line('info'), debug: line('debug'), child: () => log };
  return log;
}
