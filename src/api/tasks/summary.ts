import { Type } from 'typebox';

import { STATES, type State } from '../../core/state.js';
import type { ApiContext, ApiServer } from '../context.js';

const Counts = Type.Object(
  Object.fromEntries(STATES.map(state => [state, Type.Integer()])) as Record<State, ReturnType<typeof Type.Integer>>,
);

export function summaryRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'summarizeTasks',
    summary: 'How many tasks there are, by state',
    tags: ['tasks'],
    querystring: Type.Object(
      { by: Type.Optional(Type.Unsafe<'state'>({ type: 'string', enum: ['state'] })) },
      { additionalProperties: false },
    ),
    response: { 200: Type.Object({ by: Type.String(), counts: Counts }) },
  };
  app.get('/tasks/summary', { schema }, async () => {
    const stored = await context.store.tasks.countByState();
    const counts = Object.fromEntries(STATES.map(state => [state, stored[state] ?? 0])) as Record<State, number>;
    return { by: 'state', counts };
  });
}
