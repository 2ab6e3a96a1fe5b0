import { claimsOf, type Claim } from '../core/reservation.js';
import type { Task } from '../core/task.js';
import type { Finding } from './finding.js';
import { beneath, Patterns, rivalsOf, type Kind } from './kinds.js';
import type { BodySpan, Submission } from './witness.js';

/** One task that ran, as one of those who asked for a resource. */
interface Asker {
  id: string;
  kind: Kind;
  askedAt: number;
  answeredAt: number;
  begin: number;
  /** Nobody had to wait for it from the moment it was accepted, or all the time until it began. */
  delayed: boolean;
}

interface Asked {
  bodies?: readonly BodySpan[];
  submissions?: readonly Submission[];
  /** Units of counted resources. */
  capacities?: ReadonlyMap<string, number>;
}

/**
 * Promise P3: of two conflicting tasks, one of which was answered before the other was asked for, the first body of the earlier begins first.
 * A delayed task gets its place in line only when it is ready, so others may pass it; it may pass nobody.
 */
export function* overtakings(
  tasks: readonly Task[],
  { bodies = [], submissions = [], capacities = new Map() }: Asked,
): Generator<Finding> {
  for (const [resource, askers] of askersByResource(tasks, { bodies, submissions, capacities })) {
    for (const [earlier, later] of passed(askers)) yield overtaking(resource, earlier, later);
  }
}

/** With each one that passed somebody, whoever of those began last. */
function* passed(askers: readonly Asker[]): Generator<[earlier: Asker, later: Asker]> {
  const answered = askers.filter(each => !each.delayed).sort((a, b) => a.answeredAt - b.answeredAt);
  let next = 0;
  const slowest: Partial<Record<Kind, Asker>> = {};
  for (const later of askers.toSorted((a, b) => a.askedAt - b.askedAt)) {
    for (let each = answered[next]; each && each.answeredAt < later.askedAt; each = answered[++next]) {
      slowest[each.kind] = slower(slowest[each.kind], each);
    }
    let rival: Asker | undefined;
    for (const kind of rivalsOf(later.kind)) {
      const each = slowest[kind];
      if (each) rival = slower(rival, each);
    }
    if (rival && rival.begin >= later.begin) yield [rival, later];
  }
}

function overtaking(resource: string, earlier: Asker, later: Asker): Finding {
  const at = (ms: number): string => `${Math.round(ms)} ms`;
  const evidence =
    `Task ${later.id} (${later.kind}) overtook task ${earlier.id} (${earlier.kind}) on "${resource}": it was asked for at ${at(later.askedAt)}, ` +
    `when the other had been accepted since ${at(earlier.answeredAt)}, but began at ${at(later.begin)}, the other at ${at(earlier.begin)}.`;
  return { rule: 'fifo', tasks: [later.id, earlier.id], resource, evidence };
}

function slower(a: Asker | undefined, b: Asker): Asker {
  return a === undefined || b.begin > a.begin ? b : a;
}

function askersByResource(tasks: readonly Task[], { bodies, submissions, capacities }: Required<Asked>): Map<string, Asker[]> {
  const begins = new Map<string, BodySpan>();
  for (const body of bodies) if (body.begin < (begins.get(body.task)?.begin ?? Infinity)) begins.set(body.task, body);
  const accepted = new Map(submissions.filter(each => each.outcome === 'ok').map(each => [each.id, each]));
  const patterns = new Patterns();
  for (const task of tasks) for (const { resource } of claimsOf(task)) patterns.note(resource);
  const soleOnes = soleClaims(tasks, capacities);
  const lines = new Map<string, Asker[]>();
  for (const task of tasks) {
    const first = begins.get(task.id);
    const submission = accepted.get(task.id);
    if (!first || !submission) continue;
    const { askedAt, answeredAt, delayed: late = false } = submission;
    const { begin } = first;
    const delayed = late || lostItsPlace(task, first);
    const add = (resource: string, kind: Kind): void => {
      const line = lines.get(resource) ?? [];
      lines.set(resource, line);
      line.push({ id: task.id, kind, askedAt, answeredAt, begin, delayed });
    };
    for (const claim of claimsOf(task)) {
      add(claim.resource, soleOnes(claim) ? 'sole' : claim.mode);
      for (const pattern of patterns.above(claim.resource)) add(pattern, beneath(claim.mode));
    }
  }
  return lines;
}

/** A start that ended before its body began may be tried again: behind those who came meanwhile. */
function lostItsPlace({ attempts, grant }: Task, { attempt }: BodySpan): boolean {
  const fence = attempts.find(each => each.n === attempt)?.grant?.fence ?? grant?.fence;
  return attempts.some(each => each.n < attempt && each.grant?.fence !== fence);
}

/** Units are granted in order, but those who have them together begin in any order. Only of what is more than half of all there is, no two fit. */
function soleClaims(tasks: readonly Task[], capacities: ReadonlyMap<string, number>): (claim: Claim) => boolean {
  const most = new Map(capacities);
  for (const { name, capacity = 0 } of tasks.flatMap(({ counted = [] }) => counted))
    if (capacity > (most.get(name) ?? 0)) most.set(name, capacity);
  return ({ resource, mode, units }) => mode === 'counted' && 2 * units > (most.get(resource) ?? Infinity);
}
