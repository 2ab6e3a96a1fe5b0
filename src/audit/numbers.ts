import type { Attempt } from '../core/task.js';
import { Column } from './column.js';
import type { Finding } from './finding.js';
import { fingerprint, Keys, type Use } from './keys.js';
import type { AuditedTask } from './record.js';

/** Everything that is given once in the life of a deployment: acceptance numbers, fences, tokens, idempotency keys, slots. */
export class Numbers {
  readonly #seq = new Column('number');
  readonly #seqOwner = new Column('count');
  readonly #fences = new Fences();
  /** With the process, and the moment of a start that its process knew of. */
  readonly #tokens = new Keys(2);
  readonly #keys = new Keys();
  readonly #slots = new Keys();

  get grants(): number {
    return this.#fences.size;
  }

  add(task: AuditedTask, owner: number): void {
    this.#seq.push(task.seq);
    this.#seqOwner.push(owner);
    this.#fences.add(task, owner);
    for (const attempt of task.attempts) {
      const moment = isKnown(attempt) ? String(attempt.startedAt.getTime()) : UNKNOWN;
      this.#tokens.add(attempt.token, owner, attempt.incarnation, moment);
    }
    if (task.run) this.#tokens.add(task.run.token, owner, task.run.incarnation, UNKNOWN);
    if (task.idempotency) this.#keys.add(JSON.stringify([task.idempotency.principal, task.idempotency.key]), owner);
    if (task.schedule) this.#slots.add(`${task.schedule.slot.getTime()} ${task.schedule.id}`, owner);
  }

  *findings(idOf: (owner: number) => string): Generator<Finding> {
    yield* this.#sharedSeq(idOf);
    yield* this.#fences.findings(idOf);
    yield* this.#sharedTokens(idOf);
    yield* shared(this.#keys, idOf, 'come from one and the same submission: they share an idempotency key');
    yield* shared(this.#slots, idOf, 'stand for one and the same slot of a schedule');
  }

  *#sharedSeq(idOf: (owner: number) => string): Generator<Finding> {
    const sorted = this.#seq.sorted((a, b) => this.#seq.at(a) - this.#seq.at(b) || a - b);
    for (let index = 1; index < sorted.length; index++) {
      const [before, row] = [sorted[index - 1] ?? 0, sorted[index] ?? 0];
      if (this.#seq.at(before) !== this.#seq.at(row)) continue;
      const tasks = [before, row].map(each => idOf(this.#seqOwner.at(each)));
      yield {
        rule: 'illegal',
        tasks,
        evidence: `Tasks ${tasks.join(' and ')} share the acceptance number ${this.#seq.at(row)}.`,
      };
    }
  }

  /** One command starts several tasks under one token. Any other sharing mixes up two starts. */
  *#sharedTokens(idOf: (owner: number) => string): Generator<Finding> {
    for (const uses of this.#tokens.groups()) {
      const owners = [...new Set(uses.map(use => use.owner))];
      if (owners.length === uses.length && isOneCommand(uses)) continue;
      const tasks = owners.map(idOf);
      const who =
        tasks.length === 1 ? `Two starts of task ${tasks[0] ?? ''}` : `Starts of the tasks ${tasks.slice(0, 3).join(', ')}`;
      yield { rule: 'illegal', tasks, evidence: `${who} carry the same token, though they are different starts.` };
    }
  }
}

function* shared(keys: Keys, idOf: (owner: number) => string, evidence: string): Generator<Finding> {
  for (const uses of keys.groups()) {
    const tasks = uses.map(use => idOf(use.owner));
    yield { rule: 'doubled', tasks, evidence: `The tasks ${tasks.slice(0, 3).join(', ')} ${evidence}.` };
  }
}

const UNKNOWN = '';
const OF_UNKNOWN = fingerprint(UNKNOWN);

/**
 * Of one process, at one moment. A command whose answer was lost may land once more, on tasks of it that were given back meanwhile: at another moment, and nobody
 * begins these.
 */
function isOneCommand(uses: readonly Use[]): boolean {
  const processes = new Set(uses.map(({ details: [process] }) => process));
  const moments = new Set(uses.map(({ details: [, moment] }) => moment));
  moments.delete(OF_UNKNOWN);
  return processes.size === 1 && moments.size <= 1;
}

/** Its process has told how it ended. */
function isKnown({ exit, reason }: Attempt): boolean {
  return exit !== undefined || ENDED_BY_BODY.has(reason);
}

const ENDED_BY_BODY: ReadonlySet<string> = new Set(['completed', 'failed', 'skipped']);

/** Each grant owns `maxAttempts` fence numbers, under an epoch that only grows with them. */
class Fences {
  readonly #fence = new Column('number');
  readonly #width = new Column('count');
  readonly #epoch = new Column('count');
  readonly #owner = new Column('count');

  get size(): number {
    return this.#fence.length;
  }

  add({ attempts, grant, maxAttempts }: AuditedTask, owner: number): void {
    let last = 0;
    for (const each of [...attempts.map(attempt => attempt.grant), grant]) {
      if (!each || each.fence === last) continue;
      last = each.fence;
      this.#fence.push(each.fence);
      this.#width.push(maxAttempts);
      this.#epoch.push(each.epoch);
      this.#owner.push(owner);
    }
  }

  *findings(idOf: (owner: number) => string): Generator<Finding> {
    const sorted = this.#fence.sorted((a, b) => this.#fence.at(a) - this.#fence.at(b) || a - b);
    let widest: number | undefined; // of the grants so far, the one whose numbers reach furthest
    let latest: number | undefined; // … and the one of the highest epoch
    for (const row of sorted) {
      if (widest !== undefined && this.#end(widest) > this.#fence.at(row)) yield this.#sharedFence(widest, row, idOf);
      if (latest !== undefined && this.#epoch.at(latest) > this.#epoch.at(row)) yield this.#lateGrant(latest, row, idOf);
      if (widest === undefined || this.#end(row) > this.#end(widest)) widest = row;
      if (latest === undefined || this.#epoch.at(row) > this.#epoch.at(latest)) latest = row;
    }
  }

  #end(row: number): number {
    return this.#fence.at(row) + this.#width.at(row);
  }

  #sharedFence(a: number, b: number, idOf: (owner: number) => string): Finding {
    const tasks = [a, b].map(row => idOf(this.#owner.at(row)));
    const ranges = [a, b].map(row => `${this.#fence.at(row)} to ${this.#end(row) - 1}`);
    const evidence = `The grants of tasks ${tasks.join(' and ')} share fence numbers: ${ranges.join(' and ')}.`;
    return { rule: 'fence', tasks, evidence };
  }

  #lateGrant(before: number, row: number, idOf: (owner: number) => string): Finding {
    const tasks = [row, before].map(each => idOf(this.#owner.at(each)));
    const evidence = `Task ${tasks[0] ?? ''} was granted fence ${this.#fence.at(row)} in epoch ${this.#epoch.at(row)}, by a resource manager that epoch ${this.#epoch.at(before)} had deposed when it gave task ${tasks[1] ?? ''} the lower fence ${this.#fence.at(before)}.`;
    return { rule: 'fence', tasks, evidence };
  }
}
