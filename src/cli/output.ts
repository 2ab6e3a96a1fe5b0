import picocolors from 'picocolors';

/** Data goes to standard output, everything else to standard error: a pipe only ever carries data. */
export interface Output {
  readonly json: boolean;
  /** As one line of JSON, or as `human` puts it on a terminal. */
  data(value: unknown, human: () => string): void;
  note(text: string): void;
  readonly paint: ReturnType<typeof picocolors.createColors>;
}

export interface Streams {
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
}

/** JSON when asked for, and whenever standard output is no terminal. */
export function createOutput(options: { json?: boolean | undefined }, streams: Streams = process): Output {
  const { stdout, stderr } = streams;
  const json = options.json ?? stdout.isTTY !== true;
  const coloured = !json && stdout.isTTY === true && picocolors.isColorSupported;
  return {
    json,
    data: (value, human) => void stdout.write(`${json ? JSON.stringify(value) : human()}\n`),
    note: text => void stderr.write(`${text}\n`),
    paint: picocolors.createColors(coloured),
  };
}

/** Text of others on a terminal: no control characters, bounded. */
export function plain(text: string, limit = 200): string {
  const shown = text.replace(/\p{Cc}+/gu, ' ');
  return shown.length > limit ? `${shown.slice(0, limit - 1)}…` : shown;
}

export type Cell = string | number | boolean | null | undefined;

/** Columns as wide as their widest cell; `none` instead of an empty table. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], none: string): string {
  if (rows.length === 0) return none;
  const cells = [headings, ...rows].map(row => row.map(cell => (cell === null || cell === undefined ? '' : plain(String(cell)))));
  const widths = headings.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0)));
  return cells
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name: value` lines of an object, for one thing; empty fields are left out. */
export function details(fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(fields).filter(([, value]) => !isEmpty(value));
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${textOf(value)}`).join('\n');
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return plain(value, 2_000);
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return plain(value.join(', '), 2_000);
  return plain(JSON.stringify(value), 2_000);
}

/** `3 s`, `5 min`, `2 h`, `4 d`: how long ago a time was. */
export function ago(time: unknown, nowMs: number = Date.now()): string {
  if (typeof time !== 'string') return '';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(time)) / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
