import { claimsOf } from '../core/reservation.js';
import type { Task } from '../core/task.js';
import { spanText, type Finding } from './finding.js';
import { Intervals } from './intervals.js';
import { AuditedLoans, type Holding } from './loans.js';
import { sharedName } from './possession.js';
import { spansByTask, type BodySpan } from './witness.js';

/** What the traces of task bodies prove, whatever the database says. */
export function* bodyFindings(
  tasks: readonly Task[],
  { bodies = [], drained, capacities }: { bodies?: BodySpan[]; drained: boolean; capacities?: ReadonlyMap<string, number> },
): Generator<Finding> {
  const byId = new Map(tasks.map(task => [task.id, task]));
  yield* overlaps(byId, bodies, capacities);
  for (const [id, spans] of spansByTask(bodies)) {
    const task = byId.get(id);
    if (!task) yield { rule: 'lost', tasks: [id], evidence: `A body of task ${id} ran, but there is no record of that task.` };
    else yield* ofTask(task, spans, drained);
  }
}

function* overlaps(
  byId: ReadonlyMap<string, Task>,
  bodies: readonly BodySpan[],
  capacities: ReadonlyMap<string, number> | undefined,
): Generator<Finding> {
  const active = new Intervals();
  const loans = new AuditedLoans();
  for (const task of byId.values()) loans.add(task);
  bodies.forEach((span, owner) => {
    const task = byId.get(span.task);
    for (const claim of task ? claimsOf(task) : []) {
      for (const { begin, last } of joined(span)) active.add(claim, { owner, start: begin, end: last, fence: 0 });
    }
  });
  const holding = (row: number): Holding => {
    const span = bodies[active.get(row).owner];
    return { task: span?.task ?? '', fence: span ? grantOf(byId.get(span.task), span.attempt) : 0 };
  };
  for (const [earlier, later] of active.overlaps(0, (a, b) => loans.between(holding(a), holding(b)))) {
    const [a, b] = [active.get(earlier), active.get(later)];
    const [first, second] = [bodies[a.owner], bodies[b.owner]];
    if (!first || !second) continue;
    const togetherMs = Math.min(a.end, b.end) - b.start;
    const evidence = `Two bodies ran on ${sharedName(a.resource, b.resource)} at the same time for ${spanText(togetherMs)}: ${told(first, a)}, and ${told(second, b)}.`;
    yield { rule: 'overlap', tasks: [...new Set([first.task, second.task])], resource: a.resource, evidence };
  }
  for (const { resource, capacity, rows } of active.excesses(0, capacities)) {
    const all = rows.flatMap(row => bodies[active.get(row).owner] ?? []);
    const told = all.map(({ task, attempt }) => `start ${attempt} of task ${task}`).join(', ');
    const evidence = `The bodies of ${all.length} tasks were active on "${resource}" at the same time, of which there are ${capacity} units: ${told}.`;
    yield { rule: 'overlap', tasks: all.map(({ task }) => task).reverse(), resource, evidence };
  }
}

/** The fence of the grant under which this start was made. */
function grantOf(task: Task | undefined, attempt: number): number {
  const ended = task?.attempts.find(each => each.n === attempt);
  return ended?.grant?.fence ?? task?.grant?.fence ?? 0;
}

function told({ task, attempt }: BodySpan, { kind, start, end }: { kind: string; start: number; end: number }): string {
  return `start ${attempt} of task ${task} (${kind}) was active from ${Math.round(start)} to ${Math.round(end)} ms`;
}

function* ofTask(task: Task, spans: readonly BodySpan[], drained: boolean): Generator<Finding> {
  const { id, maxAttempts, attempt, state } = task;
  const doubled = (evidence: string): Finding => ({ rule: 'doubled', tasks: [id], evidence });
  if (spans.length > maxAttempts) {
    yield doubled(
      `Task ${id} has run ${spans.length} bodies, at most ${maxAttempts} are allowed: ${spans.map(begun).join(', ')}.`,
    );
  }
  const again = spans.find((span, index) => spans.findIndex(other => other.attempt === span.attempt) < index);
  if (again) yield doubled(`Two bodies of task ${id} ran as start ${again.attempt}: ${spans.map(begun).join(', ')}.`);
  const completed = task.attempts.find(each => each.reason === 'completed');
  const after = completed && spans.find(span => span.attempt > completed.n);
  if (after) yield doubled(`Task ${id} had completed with start ${completed.n}, yet ${begun(after)}.`);
  const unknown = drained && spans.find(span => span.attempt > attempt);
  if (unknown) {
    const evidence = `A body of task ${id} ran as ${begun(unknown)}, but its record (${state}) knows of ${attempt} starts.`;
    yield { rule: 'illegal', tasks: [id], evidence };
  }
  const cut = completed && spans.find(span => span.attempt === completed.n && !span.ended);
  if (cut) {
    const evidence = `Task ${id} is said to have completed with start ${cut.attempt}, but that body never came to its end: it was last seen at ${Math.round(cut.last)} ms.`;
    yield { rule: 'illegal', tasks: [id], evidence };
  }
}

function begun({ attempt, begin }: BodySpan): string {
  return `start ${attempt} at ${Math.round(begin)} ms`;
}

/** Its pieces in order, those that overlap made one. */
function joined({ pieces, begin, last }: BodySpan): { begin: number; last: number }[] {
  const all: { begin: number; last: number }[] = [];
  for (const piece of (pieces ?? [{ begin, last }]).toSorted((a, b) => a.begin - b.begin)) {
    const before = all.at(-1);
    if (before && piece.begin <= before.last) before.last = Math.max(before.last, piece.last);
    else all.push({ ...piece });
  }
  return all;
}
