import picocolors from 'picocolors';

import { prettyLine } from '../process/log-line.js';

const colors = process.stderr.isTTY && picocolors.isColorSupported;
const paint = picocolors.createColors(colors);

/** A line that one of several processes wrote, for people: what its logger wrote as JSON, anything else under its name. */
export function showLine(who: string, line: string): void {
  process.stderr.write(`${logLine(line) ?? `${paint.bold(who)} ${line}`}\n`);
}

function logLine(line: string): string | undefined {
  if (!line.startsWith('{"time":')) return undefined;
  try {
    const { time, ...rest } = JSON.parse(line) as { time: string };
    return prettyLine({ ...rest, time: new Date(time) }, colors);
  } catch {
    return undefined; // cut off by the end of its process
  }
}
