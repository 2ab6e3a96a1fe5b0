import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a child of Celery's notes about the measured tasks in a file of its own: see LEDGER in peer.py. */
export interface CeleryChild {
  ran: number;
  /** Seconds of the monotonic clock, which all processes of a machine share. */
  first: number;
  last: number;
}

const BYTES = 24;

export function childrenIn(folder: string): CeleryChild[] {
  const files = readdirSync(folder).map(name => readFileSync(join(folder, name)));
  const whole = files.filter(file => file.length === BYTES);
  return whole.map(file => ({ ran: Number(file.readBigInt64LE(0)), first: file.readDoubleLE(8), last: file.readDoubleLE(16) }));
}

export function ranBy(children: readonly CeleryChild[]): number {
  return children.reduce((total, { ran }) => total + ran, 0);
}
