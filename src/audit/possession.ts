import { claimsOf } from '../core/reservation.js';
import { isFinal } from '../core/state.js';
import { needsResources } from '../core/task.js';
import { Column, Names } from './column.js';
import { spanText, timeText, type Finding } from './finding.js';
import { Intervals, type Excess } from './intervals.js';
import { AuditedLoans } from './loans.js';
import type { AuditedTask } from './record.js';

interface Hold {
  fence: number;
  start: number;
  end: number;
  worker: string;
}

/**
 * Who held which resource, by the records. A hold lasts from the first start under a grant to the last end under it; the grant of an open task
 * counts from when it was given. All of these times lie within the true hold (the server reads its clock before it writes an end and after
 * it has seen the grant), so holds that overlap did overlap, unless the server's clock was set back between them.
 */
export class Possession {
  readonly #intervals = new Intervals();
  readonly #worker = new Column('count');
  readonly #open = new Column('flag');
  readonly #workers = new Names();
  readonly #loans = new AuditedLoans();

  get resources(): number {
    return this.#intervals.resources.size;
  }

  /** `readAtMs`: an open hold is known to have lasted until then, not longer. */
  add(task: AuditedTask, owner: number, readAtMs: number): void {
    if (!needsResources(task)) return;
    const claims = claimsOf(task);
    this.#loans.add(task);
    for (const { fence, start, end, worker } of holdsOf(task, readAtMs)) {
      for (const claim of claims) {
        this.#intervals.add(claim, { owner, start, end, fence });
        this.#worker.push(this.#workers.number(worker));
        this.#open.push(end === readAtMs ? 1 : 0);
      }
    }
  }

  *findings(idOf: (owner: number) => string, clockStepMs: number, capacities?: ReadonlyMap<string, number>): Generator<Finding> {
    const holding = (row: number): { task: string; fence: number } => {
      const { owner, fence } = this.#intervals.get(row);
      return { task: idOf(owner), fence };
    };
    const lent = (a: number, b: number): boolean => this.#loans.between(holding(a), holding(b));
    for (const [earlier, later] of this.#intervals.overlaps(clockStepMs, lent)) yield this.#overlap(earlier, later, idOf);
    for (const [lower, higher] of this.#intervals.reversals(clockStepMs)) yield this.#reversal(lower, higher, idOf);
    for (const excess of this.#intervals.excesses(clockStepMs, capacities)) yield this.#excess(excess, idOf);
  }

  #overlap(a: number, b: number, idOf: (owner: number) => string): Finding {
    const [first, second] = [this.#intervals.get(a), this.#intervals.get(b)];
    const together = Math.min(first.end, second.end) - second.start;
    const long = Number.isFinite(together) ? ` (${spanText(together)})` : '';
    const what = sharedName(first.resource, second.resource);
    const evidence = `Two tasks held ${what} at the same time${long}: ${this.#told(a, idOf)}, and ${this.#told(b, idOf)}.`;
    return { rule: 'overlap', tasks: [idOf(first.owner), idOf(second.owner)], resource: first.resource, evidence };
  }

  #reversal(lower: number, higher: number, idOf: (owner: number) => string): Finding {
    const [first, second] = [this.#intervals.get(lower), this.#intervals.get(higher)];
    const evidence = `The grants of "${first.resource}" contradict the clock: ${this.#told(lower, idOf)}, comes after ${this.#told(higher, idOf)}, although the lower fence was granted first.`;
    return { rule: 'fence', tasks: [idOf(first.owner), idOf(second.owner)], resource: first.resource, evidence };
  }

  #excess({ resource, capacity, rows }: Excess, idOf: (owner: number) => string): Finding {
    const units = rows.reduce((sum, row) => sum + this.#intervals.get(row).units, 0);
    const told = rows.map(row => this.#told(row, idOf));
    const evidence = `${rows.length} tasks held ${units} units of "${resource}" at the same time, of which there are ${capacity}: ${told.join(', ')}.`;
    const tasks = rows.map(row => idOf(this.#intervals.get(row).owner));
    return { rule: 'overlap', tasks: tasks.reverse(), resource, evidence };
  }

  /** `task A (exclusive, fence 7) on w1 from … to …` */
  #told(row: number, idOf: (owner: number) => string): string {
    const { owner, kind, units, fence, start, end } = this.#intervals.get(row);
    const worker = this.#workers.name(this.#worker.at(row));
    const until = this.#open.at(row) === 1 ? 'on, and still' : `to ${timeText(end)}`;
    const how = `${kind === 'counted' ? `${units} of it` : kind}, ${fence === 0 ? 'without a grant' : `fence ${fence}`}`;
    return `task ${idOf(owner)} (${how}) ${worker === '' ? 'not yet started' : `on ${worker}`} from ${timeText(start)} ${until}`;
  }
}

/** What two tasks had in common, as each of them named it. */
export function sharedName(a: string, b: string): string {
  return a === b ? `"${a}"` : `"${a}" and "${b}"`;
}

function holdsOf(task: AuditedTask, readAtMs: number): Hold[] {
  const holds: Hold[] = [];
  for (const { grant, startedAt, finishedAt, worker } of task.attempts) {
    const fence = grant?.fence ?? 0;
    const same = fence === 0 ? undefined : holds.find(hold => hold.fence === fence);
    // Between the starts of one grant the resources are not given to anybody else.
    if (same) Object.assign(same, { end: finishedAt.getTime(), worker });
    else holds.push({ fence, start: startedAt.getTime(), end: finishedAt.getTime(), worker });
  }
  const { grant, run } = task;
  if (!grant || isFinal(task.state)) return holds;
  const worker = run?.worker ?? '';
  const start = grant.at.getTime();
  const same = holds.find(hold => hold.fence === grant.fence);
  if (same) Object.assign(same, { end: readAtMs, worker: run?.worker ?? same.worker });
  else holds.push({ fence: grant.fence, start, end: Math.max(start, readAtMs), worker });
  return holds;
}
