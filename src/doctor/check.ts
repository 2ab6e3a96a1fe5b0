import type { ReachedBroker } from '../broker/diagnosis.js';
import type { ReachedDatabase } from '../store/diagnosis.js';
import type { Evidence, MachineEvidence, RecordsEvidence } from './evidence.js';

/** One occurrence of a fault. */
export interface Found {
  /** What was seen, with names and numbers. */
  evidence: string;
  /** The command that mends it, or what to do. */
  remedy: string;
}

/** `error`: something does not work, or will not after the next accident. `warning`: it works, and somebody should know. */
export type Severity = 'error' | 'warning';

export interface Fault {
  /** Stable, as `stale-lease`. */
  name: string;
  severity: Severity;
  /** One sentence for the manual. */
  about: string;
}

/** One fault, and how it is found. */
export interface Check extends Fault {
  /** Undefined: what it needs to see could not be looked at. */
  run: (evidence: Evidence) => Found[] | undefined;
}

/** Of several parts, each of which may be absent. */
export function ofEvidence(fault: Fault, run: Check['run']): Check {
  return { ...fault, run };
}

/** Each of these makes checks that see one part of the evidence, if that is there. */
export function ofMachine(fault: Fault, run: (machine: MachineEvidence, evidence: Evidence) => Found[]): Check {
  return { ...fault, run: evidence => evidence.machine && run(evidence.machine, evidence) };
}

export function ofDatabase(fault: Fault, run: (database: ReachedDatabase, evidence: Evidence) => Found[]): Check {
  return { ...fault, run: evidence => (evidence.database?.state === 'reached' ? run(evidence.database, evidence) : undefined) };
}

export function ofBroker(fault: Fault, run: (broker: ReachedBroker, evidence: Evidence) => Found[]): Check {
  return { ...fault, run: evidence => (evidence.broker?.state === 'reached' ? run(evidence.broker, evidence) : undefined) };
}

export function ofRecords(fault: Fault, run: (records: RecordsEvidence, evidence: Evidence) => Found[]): Check {
  return { ...fault, run: evidence => evidence.records && run(evidence.records, evidence) };
}

/** By the key that `keyOf` gives, in the order of their first; those without one are left out. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string | false): [key: string, items: T[]][] {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== false) found.set(key, [...(found.get(key) ?? []), item]);
  }
  return [...found];
}

/** The first `n` of many, and how many more there are. */
export function named(items: readonly string[], n = 5): string {
  const more = items.length > n ? `, and ${items.length - n} more` : '';
  return `${items.slice(0, n).join(', ')}${more}`;
}

export function quoted(name: string): string {
  return `"${name}"`;
}

/** `1.5 GiB`. */
export function bytes(n: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = n < 1_024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  const value = n / 1_024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ''}`;
}
