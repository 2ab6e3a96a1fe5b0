import type { Logger } from './logger.js';

type PinoCall = (first: unknown, message?: unknown, ...more: unknown[]) => void;

/** The surface that Fastify asks of a logger; it is pino's: the object first, the message second. */
export interface PinoShaped {
  level: string;
  fatal: PinoCall;
  error: PinoCall;
  warn: PinoCall;
  info: PinoCall;
  debug: PinoCall;
  trace: PinoCall;
  silent: PinoCall;
  child(bindings: object, options?: object): PinoShaped;
}

/**
 * Our logger as Fastify's `loggerInstance`. Requests and replies shrink to what identifies them, so that no header ever
 * reaches a log; the request id becomes the line's `correlationId`.
 */
export function fastifyLogger(logger: Logger): PinoShaped {
  const at =
    (level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'): PinoCall =>
    (first, message) => {
      if (typeof first === 'string') logger[level](first);
      else if (first instanceof Error) logger[level](textOf(message, first.message), { err: first });
      else logger[level](textOf(message, ''), fieldsOf(first as object));
    };
  return {
    level: logger.level,
    fatal: at('fatal'),
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    silent: () => undefined,
    child: bindings => fastifyLogger(logger.child(fieldsOf(bindings))),
  };
}

/** What of a request and a reply is worth a line. */
interface RequestLike {
  method?: unknown;
  url?: unknown;
  ip?: unknown;
}

function fieldsOf(given: object): Record<string, unknown> {
  const { req, res, reqId, ...rest } = given as { req?: RequestLike; res?: { statusCode?: unknown }; reqId?: unknown };
  return {
    ...rest,
    ...(req && { method: req.method, url: req.url, ip: req.ip }),
    ...(res && { status: res.statusCode }),
    ...(reqId !== undefined && { correlationId: reqId }),
  };
}

function textOf(message: unknown, otherwise: string): string {
  return typeof message === 'string' ? message : otherwise;
}
