import { Type } from 'typebox';

import { InterlockError } from '../../core/errors.js';
import { isFinal, STATES, type FinalState, type State } from '../../core/state.js';
import type { EndedPlace } from '../../store/store.js';
import type { ApiContext, ApiServer } from '../context.js';
import { wantsRepresentation } from '../http/prefer.js';
import { Time, nothing } from '../schemas.js';

/** Of one command. */
const PAGE = 250;
/** Clients wait for half a minute. */
const PURGE_MS = 20_000;

const PurgeQuery = Type.Object(
  {
    state: Type.Array(Type.Unsafe<State>({ type: 'string', enum: [...STATES] }), {
      minItems: 1,
      maxItems: 100,
      description: 'Final states; repeated means or.',
    }),
    finishedBefore: Type.Optional(Time),
  },
  { additionalProperties: false },
);

const Purged = Type.Object(
  {
    deleted: Type.Integer(),
    kept: Type.Integer({ description: 'Held back: of a group or a task that is open, or too young to be forgotten.' }),
    more: Type.Boolean({ description: 'The time of the request was over before all was looked at: ask again.' }),
  },
  { additionalProperties: false },
);

interface Counts {
  deleted: number;
  kept: number;
  more: boolean;
}

export function purgeRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'purgeTasks',
    summary: 'Delete tasks that have ended',
    tags: ['tasks'],
    querystring: PurgeQuery,
    headers: Type.Object({
      prefer: Type.Optional(Type.String({ description: '`return=representation`: answer 200 with the counts instead of 204.' })),
    }),
    response: { 200: Purged, 202: Purged, 204: nothing('They are gone.') },
  };
  app.delete('/tasks', { schema, config: { problems: ['TASK_NOT_FINAL'] } }, async (request, reply) => {
    const { state, finishedBefore } = request.query;
    const endedBefore = finishedBefore === undefined ? await context.serverTime.now() : new Date(finishedBefore);
    const counts = await purge(context, state.map(finalOne), endedBefore);
    if (wantsRepresentation(request.headers.prefer)) {
      reply.header('preference-applied', 'return=representation');
      return counts;
    }
    return counts.more ? reply.code(202).send(counts) : reply.code(204).send();
  });
}

function finalOne(state: State): FinalState {
  if (isFinal(state)) return state;
  throw new InterlockError('TASK_NOT_FINAL', `Tasks that are ${state} have not ended: only such as have ended can be deleted.`);
}

/** State after state, page after page, as long as there is time. */
async function purge(
  { store, runtime, purgeMs = PURGE_MS }: ApiContext,
  states: FinalState[],
  endedBefore: Date,
): Promise<Counts> {
  const untilMs = runtime.clock.monotonicMs() + purgeMs;
  const counts = { deleted: 0, kept: 0, more: false };
  for (const state of new Set(states)) {
    for (let after: EndedPlace | undefined, full = true; full;) {
      if (runtime.clock.monotonicMs() >= untilMs) return { ...counts, more: true };
      const page = await store.retention.purge({ state, endedBefore, after, limit: PAGE });
      counts.deleted += page.done;
      counts.kept += page.kept;
      ({ full, last: after } = page);
    }
  }
  return counts;
}
