import type { Check, Found, Severity } from './check.js';
import { BROKER_CHECKS } from './checks/broker.js';
import { DATABASE_CHECKS } from './checks/database.js';
import { MACHINE_CHECKS } from './checks/machine.js';
import { PROCESS_CHECKS } from './checks/processes.js';
import { SCHEDULE_CHECKS } from './checks/schedules.js';
import { TASK_CHECKS } from './checks/tasks.js';
import type { Evidence } from './evidence.js';

export interface Finding extends Found {
  fault: string;
  severity: Severity;
}

/** What a doctor says. */
export interface Diagnosis {
  /** Nothing was found. What is in `unchecked` nobody knows. */
  ok: boolean;
  /** Errors first; of one fault at most ten. */
  findings: Finding[];
  /** How many more there were of those. */
  omitted: number;
  /** Faults that were looked for. */
  checked: string[];
  /** Faults that could not be looked for, because something that a finding names stands before them. */
  unchecked: string[];
}

const MOST_OF_A_FAULT = 10;

/** In the order in which somebody would look: what stands before everything else comes first. */
export const CHECKS: readonly Check[] = [
  ...MACHINE_CHECKS,
  ...DATABASE_CHECKS,
  ...BROKER_CHECKS,
  ...PROCESS_CHECKS,
  ...TASK_CHECKS,
  ...SCHEDULE_CHECKS,
];

/** Pure: all that is found is in the evidence. */
export function diagnose(evidence: Evidence): Diagnosis {
  const findings: Finding[] = [];
  const checked: string[] = [];
  const unchecked: string[] = [];
  let omitted = 0;
  for (const { name, severity, run } of CHECKS) {
    const found = run(evidence);
    (found ? checked : unchecked).push(name);
    const shown = (found ?? []).slice(0, MOST_OF_A_FAULT);
    omitted += (found?.length ?? 0) - shown.length;
    findings.push(...shown.map(each => ({ fault: name, severity, ...each })));
  }
  const graver = (finding: Finding): number => (finding.severity === 'error' ? 0 : 1);
  findings.sort((a, b) => graver(a) - graver(b));
  return { ok: findings.length === 0, findings, omitted, checked, unchecked };
}
