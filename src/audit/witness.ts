import type { State } from '../core/state.js';

/** What a task body left behind, on one monotonic clock (ms): ground truth. One span per start that really ran user code. */
export interface BodySpan {
  task: string;
  attempt: number;
  begin: number;
  /** The last sign of life. */
  last: number;
  /** It came to its own end: the handler returned. */
  ended: boolean;
  /** When it was really active, if it was frozen and thawed in between. Default: from `begin` to `last`. */
  pieces?: { begin: number; last: number }[];
}

/** `ok` = answered 2xx (202 for a cancel), `refused` = 4xx, `unknown` = no clear answer. */
export type Answer = 'ok' | 'unknown' | 'refused';

/** What a client knows of its submission, on the same clock. */
export interface Submission {
  id: string;
  askedAt: number;
  answeredAt: number;
  outcome: Answer;
  /** Submitted with `eta` or `countdown`: its place in line counts from when it became ready, which no client sees. */
  delayed?: boolean;
}

export interface CancelRequest {
  id: string;
  askedAt: number;
  answeredAt: number;
  outcome: Answer;
  /** State of the task in the answer. Without it the record's times tell whether it had been started, to the millisecond. */
  state?: State;
}

/** The bodies of each task, in the order in which they began. */
export function spansByTask(bodies: readonly BodySpan[]): Map<string, BodySpan[]> {
  const groups = new Map<string, BodySpan[]>();
  for (const span of bodies.toSorted((a, b) => a.begin - b.begin)) {
    const group = groups.get(span.task);
    if (group) group.push(span);
    else groups.set(span.task, [span]);
  }
  return groups;
}
