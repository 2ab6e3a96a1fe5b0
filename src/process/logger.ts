import winston from 'winston';

import { jsonLine, prettyLine } from './log-line.js';
import type { Log } from './log.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The whole scale: `fatal` is the last line of a process that ends, `trace` is for one fault at a time. */
export interface Logger extends Log {
  readonly level: LogLevel;
  fatal(message: string, fields?: Record<string, unknown>): void;
  trace(message: string, fields?: Record<string, unknown>): void;
  child(fields: Record<string, unknown>): Logger;
}

export interface LoggerOptions {
  /** Stand on every line. */
  role: string;
  instance: string;
  level: LogLevel;
  format: 'json' | 'pretty';
  /** Standard error unless given: standard output belongs to data. */
  stream?: NodeJS.WritableStream;
  colors?: boolean;
}

export interface ProcessLogger extends Logger {
  /** Resolves when every line is written, or after 1 s. Nothing is logged afterwards. */
  close(): Promise<void>;
}

const FLUSH_MS = 1_000;

export function createLogger(options: LoggerOptions): ProcessLogger {
  const stream = options.stream ?? process.stderr;
  const render = options.format === 'json' ? jsonLine : (line: object) => prettyLine(line, options.colors ?? false);

  const transport = new winston.transports.Stream({ stream });
  const logger = winston.createLogger({
    levels: Object.fromEntries(LOG_LEVELS.map((level, index) => [level, index])),
    level: options.level,
    format: winston.format.printf(render),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its instances as constructors
    transports: [transport],
  });
  let closed: Promise<void> | undefined;
  const write = (level: LogLevel, fields: { message: string }): void => {
    if (!closed) logger.log({ time: new Date(), role: options.role, instance: options.instance, ...fields, level });
  };
  return {
    ...loggerOf(write, options.level, {}),
    close: () => (closed ??= flush(logger, transport)),
  };
}

type Write = (level: LogLevel, fields: { message: string }) => void;

function loggerOf(write: Write, level: LogLevel, bound: Record<string, unknown>): Logger {
  const at = (lineLevel: LogLevel) => (message: string, fields?: Record<string, unknown>) =>
    write(lineLevel, { ...bound, ...fields, message });
  return {
    level,
    fatal: at('fatal'),
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    child: fields => loggerOf(write, level, { ...bound, ...fields }),
  };
}

/** A process that exits right after logging would lose what winston still holds. */
function flush(logger: winston.Logger, transport: NodeJS.EventEmitter): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, FLUSH_MS);
    transport.once('finish', () => {
      clearTimeout(timer);
      resolve();
    });
    logger.end();
  });
}
