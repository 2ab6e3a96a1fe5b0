import type { Task } from '../core/task.js';
import type { Finding } from './finding.js';
import { damageOf } from './record.js';
import { spansByTask, type BodySpan, type CancelRequest, type Submission } from './witness.js';

interface Known {
  tasks: readonly Task[];
  bodies?: readonly BodySpan[];
  submissions?: readonly Submission[];
  cancels?: readonly CancelRequest[];
  cancelGraceMs?: number;
}

/** What clients were promised and did not get. */
export function* clientFindings({
  tasks,
  bodies = [],
  submissions = [],
  cancels = [],
  cancelGraceMs,
}: Known): Generator<Finding> {
  const byId = new Map(tasks.map(task => [task.id, task]));
  for (const { id, outcome, answeredAt } of submissions) {
    const task = byId.get(id);
    if (outcome === 'ok' && !task) {
      yield {
        rule: 'lost',
        tasks: [id],
        evidence: `Task ${id} was accepted at ${Math.round(answeredAt)} ms, but there is no record of it.`,
      };
    }
    if (outcome === 'refused' && task) {
      const evidence = `Task ${id} was refused at ${Math.round(answeredAt)} ms, yet there is a record of it (${task.state}).`;
      yield { rule: 'illegal', tasks: [id], evidence };
    }
  }
  const spans = spansByTask(bodies);
  for (const cancel of cancels) {
    if (cancel.outcome !== 'ok') continue;
    const evidence = ignored(cancel, byId.get(cancel.id), spans.get(cancel.id) ?? [], cancelGraceMs ?? Infinity);
    if (evidence !== undefined) yield { rule: 'cancel-ignored', tasks: [cancel.id], evidence };
  }
}

/** How a cancel that was answered 202 came to nothing. */
function ignored(cancel: CancelRequest, task: Task | undefined, spans: readonly BodySpan[], graceMs: number): string | undefined {
  const { id, answeredAt } = cancel;
  const promised = `The cancel of task ${id} was accepted at ${Math.round(answeredAt)} ms`;
  if (!task) return `${promised}, but there is no record of that task.`;
  if (damageOf(task) !== undefined) return undefined;
  if (!task.cancel) return `${promised}, but its record (${task.state}) does not know of it.`;
  const begun = spans.find(span => span.begin > answeredAt && !wasStarted(cancel, task, span));
  if (begun) return `${promised}, yet start ${begun.attempt} began at ${Math.round(begun.begin)} ms.`;
  const long = spans.find(span => span.last > answeredAt + graceMs);
  if (!long) return undefined;
  return `${promised}, yet start ${long.attempt} went on until ${Math.round(long.last)} ms; it had ${graceMs} ms.`;
}

/** The record's times of two commands that cross may be in the wrong order by as long as a server takes to carry one out. */
const CROSSING_MS = 1_000;

/** The start was made before the cancel: its body may begin a moment after it, and is then stopped like any other. */
function wasStarted({ state }: CancelRequest, { cancel, attempts, run, attempt }: Task, span: BodySpan): boolean {
  const startedAt = span.attempt === attempt && run ? run.at : attempts.find(each => each.n === span.attempt)?.startedAt;
  if (state === 'canceled' || !startedAt || !cancel) return false;
  return startedAt.getTime() <= cancel.at.getTime() + (state === undefined ? 0 : CROSSING_MS);
}
