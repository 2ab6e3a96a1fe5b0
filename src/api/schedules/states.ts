import { Type } from 'typebox';

import { pausedFor, resumed } from '../../core/schedule.js';
import type { ApiContext, ApiServer } from '../context.js';
import { IdParams, ref } from '../schemas.js';
import { change } from './found.js';
import { IfMatch, ScheduleSchema, answer } from './view.js';

const tags = ['schedules'];
const Reason = Type.Object(
  { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Shown with the schedule.' })) },
  { additionalProperties: false },
);

/** Pause and resume; both may be repeated without harm. */
export function stateRoutes(app: ApiServer, context: ApiContext): void {
  const common = { tags, params: IdParams, headers: IfMatch, response: { 200: ref(ScheduleSchema) } };
  const config = { bodyOptional: true, problems: ['PRECONDITION_FAILED', 'OVERLOADED'] as const };
  const pausing = { operationId: 'pauseSchedule', summary: 'No slot makes a task any more', ...common, body: Reason };
  app.post('/schedules/:id/pause', { schema: pausing, config }, async (request, reply) => {
    const { reason = 'paused by a user' } = request.body;
    const which = { id: request.params.id, ifMatch: request.headers['if-match'] };
    const paused = await change(context, which, (schedule, now) =>
      schedule.paused ? schedule : pausedFor(schedule, { at: now, reason }),
    );
    return answer(reply, paused);
  });

  const resuming = {
    operationId: 'resumeSchedule',
    summary: 'Go on with the next slot; what passed meanwhile is not made up for',
    ...common,
    body: Type.Object({}, { additionalProperties: false }),
  };
  app.post('/schedules/:id/resume', { schema: resuming, config }, async (request, reply) => {
    const which = { id: request.params.id, ifMatch: request.headers['if-match'] };
    return answer(reply, await change(context, which, resumed));
  });
}
