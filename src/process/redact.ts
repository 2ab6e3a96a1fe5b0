/** What must never reach a log, a terminal or an error message. */
const SECRET_KEY = /pass(word|wd|phrase)?$|secret|^token$|[a-z]Token$|_token$|authorization|cookie|credential|private_?key/i;
/** `scheme://user:password@`: the password reaches to the last @ before a space or slash, since careless ones hold an @. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@]*):[^\s/]*@/gi;
/** A token of ours, wherever it stands; what is left tells which one it is. */
const TOKEN = /\b(ilk_[A-Za-z0-9_-]{4})[A-Za-z0-9_-]{39}/g;
const HIDDEN = '***';

export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

/** Hides the passwords of all URLs in a text, and bearer tokens. */
export function redactText(text: string): string {
  return text.replace(URL_PASSWORD, `$1:${HIDDEN}@`).replace(TOKEN, `$1${HIDDEN}`);
}

/** Beyond these, what is logged is cut: a line must stay a line. */
const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_TEXT = 8_192;

/**
 * A copy that is plain JSON without secrets: Errors with name, message, stack, code and cause; secret keys and URL
 * passwords hidden; deep, long and circular values cut. Never throws.
 */
export function redact(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value);
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return undefined;
    case 'object':
      return value === null ? null : readable(value, depth);
    default:
      return value;
  }
}

function readable(value: object, depth: number): unknown {
  try {
    return redactObject(value, depth);
  } catch {
    return '<unreadable>'; // a getter that throws; a log line is no place to fail
  }
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[…]' : '{…}';
  if (value instanceof Error) return redactFields(plainError(value), depth);
  if (value instanceof Map) return redactFields(Object.fromEntries(value) as object, depth);
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...(value as Iterable<unknown>)];
    const shown = items.slice(0, MAX_ITEMS).map(item => redact(item, depth + 1));
    return items.length > MAX_ITEMS ? [...shown, `… ${items.length - MAX_ITEMS} more`] : shown;
  }
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  return redactFields(value, depth);
}

function redactFields(value: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    entries.map(([key, field]) => [
      key,
      isSecretKey(key) && field !== null && field !== undefined ? HIDDEN : redact(field, depth + 1),
    ]),
  );
}

function plainError(error: Error): object {
  const { name, message, stack, cause } = error;
  const errors = error instanceof AggregateError ? { errors: error.errors as unknown[] } : {};
  return { ...(error as object), name, message, stack, ...(cause === undefined ? {} : { cause }), ...errors };
}
