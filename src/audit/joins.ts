import { judgeJoin } from '../core/join.js';
import { isFinal, type State } from '../core/state.js';
import { spanText, timeText, type Finding } from './finding.js';
import type { AuditedTask } from './record.js';

interface End {
  state: State;
  at: number | undefined;
}

interface Follower {
  id: string;
  after: string[];
  join: NonNullable<AuditedTask['join']>;
  state: State;
  waits: boolean;
  skipped: boolean;
  /** Of its first start. */
  begunAt: number | undefined;
  readAt: number;
}

/** Since when somebody has been live who looks after joins, and how long that may take; `nowMs`: server time when all records had been read. */
interface Watched {
  beatSince: number;
  patienceMs: number;
  nowMs: number;
}

/** Members of workflows: whether each came after what it comes after. A member that was deleted since tells nothing. */
export class Joins {
  readonly #ends = new Map<string, End>();
  readonly #followers: Follower[] = [];

  add(task: AuditedTask, readAt: number): void {
    const { id, group, state, finishedAt, after, join = 'all-success', attempts, run } = task;
    if (group === undefined) return;
    this.#ends.set(id, { state, at: finishedAt?.getTime() });
    if (!after || after.length === 0) return;
    this.#followers.push({
      ...{ id, join, state, readAt },
      after: after.map(each => each.id),
      waits: task.waitingFor === 'dependencies',
      skipped: state === 'skipped' && task.reason === 'dependency-failed',
      begunAt: (attempts[0]?.startedAt ?? run?.at)?.getTime(),
    });
  }

  /** With `waits` it is judged, too, who still waits. */
  *findings(clockStepMs: number, waits?: Watched): Generator<Finding> {
    for (const follower of this.#followers) {
      const ends = follower.after.map(id => this.#ends.get(id));
      if (ends.some(end => end === undefined)) continue;
      const known = ends as End[];
      const evidence = misstep(follower, known, clockStepMs);
      if (evidence !== undefined) yield { rule: 'illegal', tasks: [follower.id], evidence: `Task ${follower.id} ${evidence}.` };
      const overdue = waits && forgotten(follower, known, waits);
      if (overdue !== undefined) yield { rule: 'unexplained', tasks: [follower.id], evidence: `Task ${follower.id} ${overdue}.` };
    }
  }
}

function misstep({ join, after, skipped, begunAt }: Follower, ends: readonly End[], clockStepMs: number): string | undefined {
  const verdict = judgeJoin(
    join,
    ends.map(({ state }) => state),
  );
  const told = ends
    .map(({ state }, index) => `${after[index] ?? ''} is ${state}`)
    .slice(0, 5)
    .join(', ');
  if (skipped && verdict !== 'skip') return `was skipped by its join ${join}, but ${told}`;
  if (begunAt === undefined) return undefined;
  if (verdict !== 'ready') return `began at ${timeText(begunAt)} before its join ${join} allowed it: ${told}`;
  const deciding = ends.filter(({ state }) => join !== 'any-success' || state === 'completed').map(({ at }) => at ?? Infinity);
  const decidedAt = join === 'any-success' ? Math.min(...deciding) : Math.max(...deciding);
  if (begunAt >= decidedAt - clockStepMs) return undefined;
  return `began at ${timeText(begunAt)}, ${spanText(decidedAt - begunAt)} before its join ${join} was decided: ${told}`;
}

function forgotten(
  { join, waits, readAt }: Follower,
  ends: readonly End[],
  { beatSince, patienceMs, nowMs }: Watched,
): string | undefined {
  if (
    !waits ||
    judgeJoin(
      join,
      ends.map(({ state }) => state),
    ) === 'wait'
  )
    return undefined;
  const last = Math.max(...ends.filter(({ state }) => isFinal(state)).map(({ at }) => at ?? -Infinity));
  const longMs = Math.min(readAt, nowMs) - Math.max(last, beatSince);
  if (longMs <= patienceMs) return undefined;
  return `still waits for what it comes after, ${spanText(longMs)} after its join ${join} was decided and with a beat live`;
}
