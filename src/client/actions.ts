import type { Transport } from './transport.js';

export type TaskAction = 'cancel' | 'retry' | 'delete';

/** Names and values as in `GET /tasks`: several values of one mean or, different names and. */
export interface ActionFilter {
  state?: readonly string[];
  name?: readonly string[];
  queue?: readonly string[];
  worker?: readonly string[];
  resource?: readonly string[];
  tag?: readonly string[];
  group?: readonly string[];
  parent?: readonly string[];
  correlationId?: readonly string[];
  schedule?: readonly string[];
  createdAfter?: Date | string;
  createdBefore?: Date | string;
  finishedAfter?: Date | string;
  finishedBefore?: Date | string;
}

export interface Acted {
  /** How many it was done to, or would be. */
  count: number;
  /** Of a dry run: there may be more. */
  countCapped: boolean;
  /** Found, and left as they are: held back, changed meanwhile, or retried before. */
  kept: number;
  /** Why, where that is not plain: the first of them. */
  problems: { task: string; code: string; detail: string }[];
}

interface Answer extends Acted {
  next: object | null;
}

const MAX_PROBLEMS = 20;
/** The API works at it for 20 s at most. */
const ANSWER_MS = 45_000;

/** Asks until all that the filter finds was looked at; a dry run is one question. */
export async function actOnTasks(
  transport: Transport,
  action: TaskAction,
  filter: ActionFilter,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<Acted> {
  const all: Acted = { count: 0, countCapped: false, kept: 0, problems: [] };
  for (let body: object | null = { action, filter, ...(dryRun && { dryRun }) }; body !== null;) {
    // May be repeated: what has been done is not done again.
    const answer: Answer = await transport.repeatable('/tasks/actions', { method: 'POST', body, timeoutMs: ANSWER_MS });
    all.count += answer.count;
    all.kept += answer.kept;
    all.countCapped = answer.countCapped;
    all.problems = [...all.problems, ...answer.problems].slice(0, MAX_PROBLEMS);
    body = answer.next;
  }
  return all;
}
