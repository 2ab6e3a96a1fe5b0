import type { ProcessRecord } from '../core/process.js';
import { needsResources } from '../core/task.js';
import { Findings, type Finding } from './finding.js';
import { Fleet, Work } from './fleet.js';
import { Joins } from './joins.js';
import { contradictionsOf } from './legality.js';
import { Numbers } from './numbers.js';
import { Possession } from './possession.js';
import { Rates } from './rates.js';
import { damageOf, idOf, mayHold, type AuditedTask } from './record.js';
import { Waits } from './waits.js';

export interface LedgerOptions {
  /** By how much the server's clock may have been set back meanwhile (a failover to a member whose clock is behind). 0 by default. */
  clockStepMs?: number | undefined;
}

/** What is known when all records are in. */
export interface Closing {
  /** Whatever is not final now never will be. */
  drained: boolean;
  /** Both or neither: without them no wait can be judged. `now` is server time. */
  processes?: readonly ProcessRecord[] | undefined;
  now?: Date | undefined;
  patienceMs?: number | undefined;
  cancelGraceMs?: number | undefined;
  /** Units of counted resources, where they were the same all the while. */
  capacities?: ReadonlyMap<string, number> | undefined;
}

export interface Checked {
  tasks: number;
  attempts: number;
  grants: number;
  resources: number;
}

const PATIENCE_MS = 30_000;

/** Every record of a deployment, one after another; keeps of each what the rules compare, 150 bytes or so. */
export class Ledger {
  readonly #clockStepMs: number;
  readonly #ids: string[] = [];
  readonly #found = new Findings();
  readonly #possession = new Possession();
  readonly #numbers = new Numbers();
  readonly #waits = new Waits();
  readonly #joins = new Joins();
  readonly #rates = new Rates();
  #attempts = 0;

  constructor(options: LedgerOptions = {}) {
    this.#clockStepMs = options.clockStepMs ?? 0;
  }

  get checked(): Checked {
    return {
      tasks: this.#ids.length,
      attempts: this.#attempts,
      grants: this.#numbers.grants,
      resources: this.#possession.resources,
    };
  }

  /** Findings that are counted only: a rule tells its first 1,000. */
  get omitted(): number {
    return this.#found.omitted;
  }

  /** Takes anything. `readAt`: server time at which the record stood so; without it, it stands so for ever. */
  add(record: unknown, readAt?: Date): void {
    const owner = this.#ids.push(idOf(record)) - 1;
    const damage = damageOf(record);
    if (damage !== undefined) {
      const id = this.#idOf(owner);
      this.#found.add({ rule: 'damaged', tasks: [id], evidence: `The record of task ${id} is damaged: ${damage}.` });
      this.#waits.block(mayHold(record));
      return;
    }
    this.#addSound(record as AuditedTask, owner, readAt?.getTime());
  }

  /** What was found by the time all records are in; call it once. */
  findings(closing: Closing): Finding[] {
    const idOf = (owner: number): string => this.#idOf(owner);
    for (const finding of this.#possession.findings(idOf, this.#clockStepMs, closing.capacities)) this.#found.add(finding);
    for (const finding of this.#numbers.findings(idOf)) this.#found.add(finding);
    for (const finding of this.#joins.findings(this.#clockStepMs, watchedBy(closing))) this.#found.add(finding);
    for (const finding of this.#rates.findings(idOf, this.#clockStepMs)) this.#found.add(finding);
    for (const finding of this.#open(closing)) this.#found.add(finding);
    return this.#found.list();
  }

  #addSound(task: AuditedTask, owner: number, readAtMs: number | undefined): void {
    this.#attempts += task.attempts.length + (task.run ? 1 : 0);
    for (const { rule, evidence } of contradictionsOf(task, this.#clockStepMs)) {
      this.#found.add({ rule, tasks: [task.id], evidence });
    }
    if (needsResources(task)) this.#possession.add(task, owner, readAtMs ?? Infinity);
    this.#numbers.add(task, owner);
    this.#waits.add(task, owner, readAtMs ?? Infinity);
    this.#joins.add(task, readAtMs ?? Infinity);
    this.#rates.add(task, owner);
  }

  #open({ drained, processes, now, patienceMs = PATIENCE_MS, cancelGraceMs, capacities }: Closing): Iterable<Finding> {
    const idOf = (owner: number): string => this.#idOf(owner);
    if (drained) return this.#waits.unfinished(idOf);
    if (!processes || !now) return [];
    return this.#waits.unexplained(idOf, { processes, nowMs: now.getTime(), patienceMs, cancelGraceMs, capacities });
  }

  #idOf(owner: number): string {
    return this.#ids[owner] ?? '';
  }
}

/** What a wait for others is judged by, where it is known. */
function watchedBy({ drained, processes, now, patienceMs = PATIENCE_MS }: Closing): Parameters<Joins['findings']>[1] {
  if (drained || !processes || !now) return undefined;
  const nowMs = now.getTime();
  return { beatSince: new Fleet(processes, new Work(), nowMs).liveSince('beat'), patienceMs, nowMs };
}
