import type { FastifyReply, FastifyRequest } from 'fastify';

import { isFinal } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { ApiContext } from '../context.js';
import { waitOf } from '../http/prefer.js';

/** Seconds that this request wants to wait, seeing to it that there is room for one more. Throws OVERLOADED. */
export function wishToWait({ waiter }: ApiContext, request: FastifyRequest): number | undefined {
  const seconds = waitOf(request.headers.prefer);
  if (seconds !== undefined) waiter.assertRoom();
  return seconds;
}

/** The task after the wait that was asked for; undefined when it was deleted meanwhile. */
export async function afterWaiting(
  context: ApiContext,
  task: Task,
  seconds: number | undefined,
  reply: FastifyReply,
): Promise<Task | undefined> {
  if (seconds === undefined) return task;
  reply.header('preference-applied', `wait=${seconds}`);
  if (isFinal(task.state) || seconds === 0) return task;
  reply.request.place?.leave(); // how many wait has a bound of its own
  await context.waiter.wait(task.id, seconds * 1_000, untilClosed(reply));
  return context.store.tasks.get(task.id);
}

/** Aborts when the client is gone: nobody waits for an answer that nobody reads. */
function untilClosed(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
