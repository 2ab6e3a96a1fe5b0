import { Type, type Static } from 'typebox';

import { invalid } from '../../core/errors.js';
import { FINAL_STATES, type State } from '../../core/state.js';
import type { ApiContext, ApiServer } from '../context.js';
import { decodeCursor, encodeCursor } from '../http/paging.js';
import { orNull } from '../schemas.js';
import { ACTIONS, act, type Asker, type Action, type Outcome } from './act.js';
import { FILTERS, filterOf, type FilterQuery } from './filter.js';

/** Ids that are held at a time, whatever the filter finds. */
const PAGE = 100;
/** A request is answered within this, done or not: clients wait for half a minute. */
const WORK_MS = 20_000;
const COUNT_CAP = 10_000;
const MAX_PROBLEMS = 20;

const Filter = Type.Object(FILTERS, { additionalProperties: false, minProperties: 1, description: 'As of GET /tasks.' });
const Body = Type.Object(
  {
    action: Type.Unsafe<Action>({ type: 'string', enum: [...ACTIONS] }),
    filter: Filter,
    dryRun: Type.Optional(Type.Boolean({ description: 'Counts them, and does nothing.' })),
    cursor: Type.Optional(Type.String({ maxLength: 500, description: 'From `next` of another answer.' })),
  },
  { additionalProperties: false },
);
type Body = Static<typeof Body>;

const Problem = Type.Object({ task: Type.String(), code: Type.String(), detail: Type.String() }, { additionalProperties: false });
const Answer = Type.Object(
  {
    action: Body.properties.action,
    dryRun: Type.Boolean(),
    count: Type.Integer({ description: 'How many it was done to, or would be.' }),
    countCapped: Type.Boolean({ description: `Of a dry run: there may be more than these ${COUNT_CAP}.` }),
    kept: Type.Integer({ description: 'Found, and left as they are: held back, changed meanwhile, or repeated before.' }),
    problems: Type.Array(Problem, { description: `Why, where that is not plain; the first ${MAX_PROBLEMS}.` }),
    next: orNull(Body),
  },
  { additionalProperties: false },
);

/** What each of them can be done to. */
const STATES_OF: Readonly<Record<Action, readonly State[]>> = {
  cancel: ['waiting', 'running'],
  retry: ['failed', 'canceled'],
  delete: FINAL_STATES,
};

export function actionsRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'actOnTasks',
    summary: 'Cancel, retry or delete all that a filter finds',
    description: 'After 20 s it answers 202 with what is left to do in `next`: the body of the next request.',
    tags: ['tasks'],
    body: Body,
    response: { 200: Answer, 202: Answer },
  };
  app.post('/tasks/actions', { schema, config: { problems: ['OVERLOADED'] } }, async (request, reply) => {
    const { action, dryRun = false } = request.body;
    const narrowed = { ...request.body.filter, state: statesOf(request.body) };
    const none = { action, dryRun, countCapped: false, kept: 0, problems: [], next: null };
    if (dryRun) {
      const count = await context.store.tasks.count(filterOf(narrowed), COUNT_CAP);
      return { ...none, count, countCapped: count >= COUNT_CAP };
    }
    const { outcome, next } = await actOnAll(context, await untilNow(context, request.body), request);
    if (next) reply.code(202);
    return { ...none, ...outcome, problems: outcome.problems.slice(0, MAX_PROBLEMS), next };
  });
}

/** Throws VALIDATION_FAILED for a state in which it cannot be done. */
function statesOf({ action, filter }: Body): State[] {
  const possible = STATES_OF[action];
  for (const [index, state] of (filter.state ?? []).entries())
    if (!possible.includes(state)) {
      const detail = `${action} is for tasks that are ${possible.join(', ')}, not ${state}`;
      throw invalid(`/filter/state/${index}`, detail, 'not_allowed');
    }
  return [...(filter.state ?? possible)];
}

/** Tasks that come while it goes on are nobody's wish; the retries themselves are among them. */
async function untilNow({ store }: ApiContext, body: Body): Promise<Body> {
  if (body.cursor !== undefined) return body;
  const nowMs = (await store.schedules.now()).getTime();
  const { createdBefore } = body.filter;
  // Times are in whole milliseconds: what came in this one is among them.
  const untilMs = Math.min(createdBefore === undefined ? Infinity : Date.parse(createdBefore), nowMs + 1);
  return { ...body, filter: { ...body.filter, createdBefore: new Date(untilMs).toISOString() } };
}

/** Page after page, in order of id, as long as there is time. */
async function actOnAll(context: ApiContext, body: Body, asker: Asker): Promise<{ outcome: Outcome; next: Body | null }> {
  const { store, runtime } = context;
  const { action, filter } = body;
  const list = { action, filter };
  const asked: FilterQuery = { ...filter, state: statesOf(body) };
  const outcome: Outcome = { count: 0, kept: 0, problems: [] };
  const untilMs = runtime.clock.monotonicMs() + WORK_MS;
  let after = body.cursor === undefined ? undefined : decodeCursor(body.cursor, list, '/cursor').id;
  for (;;) {
    const ids = await store.tasks.ids(filterOf(asked), PAGE, after);
    const page = await act(context, action, ids, asker);
    outcome.count += page.count;
    outcome.kept += page.kept;
    if (outcome.problems.length < MAX_PROBLEMS) outcome.problems.push(...page.problems);
    after = ids.at(-1);
    if (ids.length < PAGE || after === undefined) return { outcome, next: null };
    if (runtime.clock.monotonicMs() >= untilMs)
      return { outcome, next: { ...list, cursor: encodeCursor({ direction: 'after', id: after }, list) } };
  }
}
