import type { ProcessRecord } from '../core/process.js';
import type { Task } from '../core/task.js';
import { bodyFindings } from './bodies.js';
import { clientFindings } from './clients.js';
import { Findings, type Finding } from './finding.js';
import { Ledger } from './ledger.js';
import { overtakings } from './overtaking.js';
import { damageOf } from './record.js';
import type { BodySpan, CancelRequest, Submission } from './witness.js';

export type { Finding, Rule } from './finding.js';
export type { BodySpan, CancelRequest, Submission } from './witness.js';

export interface History {
  /** All records, as they stand at the end. */
  tasks: Task[];
  /** With `now`, the waits of what is not final are judged. */
  processes?: ProcessRecord[];
  /** Server time at which the records were read. */
  now?: Date;
  bodies?: BodySpan[];
  submissions?: Submission[];
  cancels?: CancelRequest[];
  /** The run is over and was drained: whatever is not final now never will be. */
  drained: boolean;
  /** A cancelled body must be over this long after the cancel was answered. */
  cancelGraceMs?: number;
  /** Units of counted resources, where they were the same all the while. */
  capacities?: ReadonlyMap<string, number>;
  /** By how much the database's clock was set back during the run, at most. Steps forward need not be told. */
  clockStepMs?: number;
}

/**
 * Everything that a history proves to have gone wrong: nothing twice, nothing lost, nothing out of order, no wait without a reason.
 * Bodies and clients are believed before records, and records before nobody. Pure; O(n log n); the same history gives the same list.
 */
export function checkHistory(history: History): Finding[] {
  const sound = history.tasks.filter(task => damageOf(task) === undefined);
  const found = new Findings();
  for (const finding of recordFindings(history)) found.add(finding);
  for (const finding of bodyFindings(sound, history)) found.add(finding);
  for (const finding of overtakings(sound, history)) found.add(finding);
  for (const finding of clientFindings(history)) found.add(finding);
  return found.list();
}

function recordFindings({ tasks, clockStepMs, drained, processes, now, cancelGraceMs, capacities }: History): Finding[] {
  const ledger = new Ledger({ clockStepMs });
  for (const task of tasks) ledger.add(task);
  return ledger.findings({ drained, processes, now, cancelGraceMs, capacities });
}
