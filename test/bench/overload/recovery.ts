import { setTimeout as sleep } from 'node:timers/promises';

import { median } from '../statistics.js';

/** So many in a row must be quick, as one alone may be so by chance. */
const IN_A_ROW = 5;
const EVERY_MS = 500;
/** Beside the time that it takes on an idle system: a round of a sweep, a hint that comes late. */
const MORE_MS = 50;
/** Longer than it may take: how long it took is worth knowing also where it was too long. */
export const GIVE_UP_SECONDS = 180;

/** Milliseconds from acceptance to end, by the records; undefined when it was refused, or had not ended within a minute. */
async function probe(url: string, token: string): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}`, prefer: 'wait=60' };
  const answer = await fetch(`${url}/api/v1/tasks`, { method: 'POST', headers, body: '{"name": "bench.nothing"}' });
  const task = (await answer.json()) as { createdAt: string; finishedAt: string };
  return answer.status === 200 ? Date.parse(task.finishedAt) - Date.parse(task.createdAt) : undefined;
}

/** Median of so many on an idle system. */
export async function idleLatency(url: string, token: string, count: number): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push((await probe(url, token)) ?? NaN);
  return median(times);
}

/** A look at how quick the system is. */
export interface Probed {
  /** Seconds since the load has ended, when it was asked. */
  at: number;
  /** Undefined: refused, or not ended within a minute. */
  ms: number | undefined;
}

/** One task after the other until they are about as quick again as on the idle system, or for three minutes. */
export async function probesUntilQuick(url: string, token: string, idleMs: number): Promise<Probed[]> {
  const begun = performance.now();
  const probed: Probed[] = [];
  for (;;) {
    const at = (performance.now() - begun) / 1_000;
    if (at > GIVE_UP_SECONDS || recoverySecondsOf(probed, idleMs) < Infinity) return probed;
    probed.push({ at, ms: await probe(url, token) });
    await sleep(EVERY_MS);
  }
}

/** When the first of five in a row was asked that were quick; Infinity without any. */
export function recoverySecondsOf(probed: readonly Probed[], idleMs: number): number {
  const isQuick = ({ ms }: Probed): boolean => ms !== undefined && ms <= 2 * idleMs + MORE_MS;
  const first = probed.findIndex((_, index) => {
    const row = probed.slice(index, index + IN_A_ROW);
    return row.length === IN_A_ROW && row.every(isQuick);
  });
  return probed[first]?.at ?? Infinity;
}
