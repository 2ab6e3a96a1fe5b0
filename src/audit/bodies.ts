import { claimsOf } from '../core/reservation.js';
import type { Task } from '../core/task.js';
import { spanText, type Finding } from './finding.js';
import { Intervals } from './intervals.js';
import { spansByTask, type BodySpan } from './witness.js';

/** What the traces of task bodies prove, whatever the database says. */
export function* bodyFindings(
  tasks: readonly Task[],
  { bodies = [], drained }: { bodies?: BodySpan[]; drained: boolean },
): Generator<Finding> {
  const byId = new Map(tasks.map(task => [task.id, task]));
  yield* overlaps(byId, bodies);
  for (const [id, spans] of spansByTask(bodies)) {
    const task = byId.get(id);
    if (!task) yield { rule: 'lost', tasks: [id], evidence: `A body of task ${id} ran, but there is no record of that task.` };
    else yield* ofTask(task, spans, drained);
  }
}

function* overlaps(byId: ReadonlyMap<string, Task>, bodies: readonly BodySpan[]): Generator<Finding> {
  const active = new Intervals();
  bodies.forEach((span, owner) => {
    const task = byId.get(span.task);
    for (const claim of task ? claimsOf(task) : []) {
      for (const { begin, last } of joined(span)) active.add(claim, { owner, start: begin, end: last, fence: 0 });
    }
  });
  for (const [earlier, later] of active.overlaps(0)) {
    const [a, b] = [active.get(earlier), active.get(later)];
    const [first, second] = [bodies[a.owner], bodies[b.owner]];
    if (!first || !second) continue;
    const togetherMs = Math.min(a.end, b.end) - b.start;
    const evidence = `Two bodies ran on "${a.resource}" at the same time for ${spanText(togetherMs)}: ${told(first, a)}, and ${told(second, b)}.`;
    yield { rule: 'overlap', tasks: [...new Set([first.task, second.task])], resource: a.resource, evidence };
  }
}

function told(
  { task, attempt }: BodySpan,
  { exclusive, start, end }: { exclusive: boolean; start: number; end: number },
): string {
  return `start ${attempt} of task ${task} (${exclusive ? 'exclusive' : 'shared'}) was active from ${Math.round(start)} to ${Math.round(end)} ms`;
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
