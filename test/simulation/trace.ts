import { silentLog, type Log } from '../../src/process/log.js';

/** A log that writes into the trace of a run, if there is one, and shows errors to the judge. */
export function traceLog(write: ((line: string) => void) | undefined, onError: (message: string) => void): Log {
  if (!write) {
    const log: Log = { ...silentLog, error: onError, child: () => log };
    return log;
  }
  const line =
    (level: string) =>
    (message: string, fields?: Record<string, unknown>): void => {
      const error = fields?.err instanceof Error ? ` (${fields.err.message})` : '';
      write(`${level} ${message}${error}`);
      if (level === 'ERROR') onError(message);
    };
  const log: Log = { error: line('ERROR'), warn: line('warn'), info: line('info'), debug: line('debug'), child: () => log };
  return log;
}
