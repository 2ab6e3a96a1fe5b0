import picocolors from 'picocolors';

import { redact, redactText } from './redact.js';

/** One line before it is rendered: what every line has, and whatever fields came along. */
interface Line {
  time: Date;
  level: string;
  role: string;
  instance: string;
  message: string;
  fields: Record<string, unknown>;
}

/**
 * One JSON object: `time level role instance message`, then the fields. JSON escapes the C0 controls by itself;
 * DEL and the C1 range could still move a terminal's cursor, and U+2028/9 break lines in some viewers.
 */
export function jsonLine(info: object): string {
  const { time, level, role, instance, message, fields } = lineOf(info);
  const line = JSON.stringify({ time: time.toISOString(), level, role, instance, message, ...fields });
  return line.replace(/[\u007f-\u009f\u2028\u2029]/g, escapeCharacter);
}

/** `12:34:56.789 info  worker message  key=value`, an error's stack on lines of its own. */
export function prettyLine(info: object, colors: boolean): string {
  const { time, level, role, message, fields } = lineOf(info);
  const paint = picocolors.createColors(colors);
  const { err, ...rest } = fields;
  const shown = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => paint.dim(stripControls(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)));
  const head = `${paint.dim(time.toISOString().slice(11, 23))} ${levelColor(level, paint)(level.padEnd(5))} ${paint.bold(role)}`;
  const lines = [[head, message, ...shown].join(' ')];
  return lines.concat(errorLines(err).map(line => paint.dim(`    ${stripControls(line)}`))).join('\n');
}

function lineOf(info: object): Line {
  const { time, level, role, instance, message, ...fields } = info as Line & Record<string, unknown>;
  return {
    time,
    level,
    role,
    instance,
    message: stripControls(redactText(message)),
    fields: redact({ ...fields }) as Record<string, unknown>,
  };
}

function errorLines(err: unknown): string[] {
  if (err === undefined || err === null) return [];
  if (typeof err !== 'object') return [JSON.stringify(err)];
  const { stack, message, cause } = err as { stack?: unknown; message?: unknown; cause?: unknown };
  const own = typeof stack === 'string' ? stack.split('\n') : [typeof message === 'string' ? message : JSON.stringify(err)];
  const [first = '', ...deeper] = errorLines(cause);
  return first === '' ? own : [...own, `caused by: ${first}`, ...deeper];
}

/** Whatever a name or message holds, it stays on its line and cannot drive the terminal. */
function stripControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the characters to remove
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function levelColor(level: string, paint: ReturnType<typeof picocolors.createColors>): (text: string) => string {
  if (level === 'fatal' || level === 'error') return paint.red;
  if (level === 'warn') return paint.yellow;
  return level === 'info' ? paint.green : paint.dim;
}
