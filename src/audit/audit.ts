import type { ProcessStore } from '../store/processes.js';
import type { ScheduleStore } from '../store/schedules.js';
import type { LedgerStore } from '../store/ledger.js';
import type { Finding } from './finding.js';
import { Ledger, type Checked } from './ledger.js';

/** The database as an audit sees it: it reads, and changes nothing. */
export interface AuditedStore {
  ledger: LedgerStore;
  processes: Pick<ProcessStore, 'list'>;
  schedules: Pick<ScheduleStore, 'now'>;
}

export interface AuditOptions {
  /** Leaves out what had ended before; open tasks are always judged. */
  since?: Date | undefined;
  /** By how much the database's clock may have been set back, at most. */
  clockStepMs?: number | undefined;
  /** A wait without a reason is a finding once it lasts longer than this: 30 s by default. */
  patienceMs?: number | undefined;
  cancelGraceMs?: number | undefined;
}

export interface AuditReport {
  ok: boolean;
  checked: Checked;
  /** The first 1,000 of each rule. */
  findings: Finding[];
  /** How many more there are. */
  omitted: number;
}

/** 1,000 records of this size are half a megabyte and 50 ms on a slow server. */
const PAGE = 1_000;

/**
 * Judges the records of a deployment, whether it runs or not. The records are read one page after another while tasks move on, so each open one
 * is believed only for the moment at which it was read. Throws StoreError.
 */
export async function audit(store: AuditedStore, options: AuditOptions = {}): Promise<AuditReport> {
  const ledger = new Ledger(options);
  await readAll(store.ledger, ledger, options.since);
  // Who lives is read last: a worker that came up meanwhile must not look like one that is gone.
  const processes = await store.processes.list({ types: true });
  const now = await store.schedules.now();
  const { patienceMs, cancelGraceMs } = options;
  const findings = ledger.findings({ drained: false, processes, now, patienceMs, cancelGraceMs });
  return { ok: findings.length === 0, checked: ledger.checked, findings, omitted: ledger.omitted };
}

async function readAll(records: LedgerStore, ledger: Ledger, since: Date | undefined): Promise<void> {
  for (let after: string | undefined; ;) {
    const page = await records.page(PAGE, after);
    for (const record of page.records) if (!hadEnded(record, since)) ledger.add(record, page.readAt);
    after = page.records.at(-1)?.id;
    if (page.records.length < PAGE) return;
  }
}

function hadEnded(record: object, since: Date | undefined): boolean {
  const { finishedAt } = record as { finishedAt?: unknown };
  return since !== undefined && finishedAt instanceof Date && finishedAt < since;
}
