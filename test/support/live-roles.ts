import { isGone } from '../../src/process/identity.js';
import type { Deployment } from './deployment.js';

/** A process as `processes` names it. */
export interface LiveRole {
  role: string;
  pid: number;
  startTicks: number;
}

/** Whoever lives by the database, also those that others started. */
export async function liveRoles({ db }: Deployment): Promise<LiveRole[]> {
  const live = await db.collection('processes').find({ state: 'live' }).toArray();
  return live.map(({ role, pid, startTicks }) => ({ role: String(role), pid: Number(pid), startTicks: Number(startTicks) }));
}

export function allGone(seen: readonly LiveRole[]): boolean {
  return seen.every(({ pid, startTicks }) => isGone(pid, startTicks));
}
