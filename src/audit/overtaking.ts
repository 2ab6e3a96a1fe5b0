import { claimsOf, type Mode } from '../core/reservation.js';
import type { Task } from '../core/task.js';
import type { Finding } from './finding.js';
import type { BodySpan, Submission } from './witness.js';

/** One task that ran, as one of those who asked for a resource. */
interface Asker {
  id: string;
  mode: Mode;
  askedAt: number;
  answeredAt: number;
  begin: number;
  /** Nobody had to wait for it from the moment it was accepted. */
  delayed: boolean;
}

/**
 * Promise P3: of two conflicting tasks, one of which was answered before the other was asked for, the first body of the earlier begins first.
 * A delayed task gets its place in line only when it is ready, so others may pass it; it may pass nobody.
 */
export function* overtakings(
  tasks: readonly Task[],
  { bodies = [], submissions = [] }: { bodies?: BodySpan[]; submissions?: Submission[] },
): Generator<Finding> {
  for (const [resource, askers] of askersByResource(tasks, bodies, submissions)) {
    for (const [earlier, later] of passed(askers)) yield overtaking(resource, earlier, later);
  }
}

/** With each one that passed somebody, whoever of those began last. */
function* passed(askers: readonly Asker[]): Generator<[earlier: Asker, later: Asker]> {
  const answered = askers.filter(each => !each.delayed).sort((a, b) => a.answeredAt - b.answeredAt);
  let next = 0;
  let slowest: Asker | undefined;
  let slowestExclusive: Asker | undefined;
  for (const later of askers.toSorted((a, b) => a.askedAt - b.askedAt)) {
    for (let each = answered[next]; each && each.answeredAt < later.askedAt; each = answered[++next]) {
      slowest = slower(slowest, each);
      if (each.mode === 'exclusive') slowestExclusive = slower(slowestExclusive, each);
    }
    const rival = later.mode === 'exclusive' ? slowest : slowestExclusive;
    if (rival && rival.begin >= later.begin) yield [rival, later];
  }
}

function overtaking(resource: string, earlier: Asker, later: Asker): Finding {
  const at = (ms: number): string => `${Math.round(ms)} ms`;
  const evidence =
    `Task ${later.id} (${later.mode}) overtook task ${earlier.id} (${earlier.mode}) on "${resource}": it was asked for at ${at(later.askedAt)}, ` +
    `when the other had been accepted since ${at(earlier.answeredAt)}, but began at ${at(later.begin)}, the other at ${at(earlier.begin)}.`;
  return { rule: 'fifo', tasks: [later.id, earlier.id], resource, evidence };
}

function slower(a: Asker | undefined, b: Asker): Asker {
  return a === undefined || b.begin > a.begin ? b : a;
}

function askersByResource(
  tasks: readonly Task[],
  bodies: readonly BodySpan[],
  submissions: readonly Submission[],
): Map<string, Asker[]> {
  const begins = new Map<string, number>();
  for (const { task, begin } of bodies) begins.set(task, Math.min(begin, begins.get(task) ?? Infinity));
  const accepted = new Map(submissions.filter(each => each.outcome === 'ok').map(each => [each.id, each]));
  const lines = new Map<string, Asker[]>();
  for (const task of tasks) {
    const begin = begins.get(task.id);
    const submission = accepted.get(task.id);
    if (begin === undefined || !submission) continue;
    const { askedAt, answeredAt, delayed = false } = submission;
    for (const { resource, mode } of claimsOf(task)) {
      const line = lines.get(resource) ?? [];
      lines.set(resource, line);
      line.push({ id: task.id, mode, askedAt, answeredAt, begin, delayed });
    }
  }
  return lines;
}
