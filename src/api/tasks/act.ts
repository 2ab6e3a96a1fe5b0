import { InterlockError } from '../../core/errors.js';
import type { ApiContext } from '../context.js';
import { preparedRetry } from './prepared.js';

export const ACTIONS = ['cancel', 'retry', 'delete'] as const;
export type Action = (typeof ACTIONS)[number];

export interface Outcome {
  count: number;
  kept: number;
  problems: { task: string; code: string; detail: string }[];
}

/** Who asks, and in which request. */
export interface Asker {
  principal: string;
  id: string;
}

/** Commands that are away at a time: a connection has a few, and others want some. */
const AT_ONCE = 20;
/** Whoever asks, each task is repeated once by all requests of this kind together: with a space in it, no client can have sent the key. */
const ONCE = (id: string) => ({ principal: '', idempotencyKey: `retry ${id}` });

/**
 * To each of these tasks. One that it cannot be done to any more is kept, and so is one that refuses, with the reason. May be repeated: what has been
 * done is not done again. Throws StoreError and OVERLOADED, with some of it done.
 */
export async function act(context: ApiContext, action: Action, ids: readonly string[], asker: Asker): Promise<Outcome> {
  if (action === 'delete') {
    const count = ids.length > 0 ? await context.store.retention.purgeThese(ids) : 0;
    return { count, kept: ids.length - count, problems: [] };
  }
  const one = action === 'cancel' ? cancelOne : retryOne;
  const outcome: Outcome = { count: 0, kept: 0, problems: [] };
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE);
    const done = await Promise.all(some.map(id => settled(id, one(context, id, asker), outcome)));
    outcome.count += done.filter(each => each).length;
    outcome.kept += done.filter(each => !each).length;
  }
  return outcome;
}

/** Whether it was done. */
async function settled(id: string, work: Promise<boolean>, { problems }: Outcome): Promise<boolean> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof InterlockError) || error.status >= 500) throw error;
    const changedMeanwhile = ['MISSING_RESOURCE', 'TASK_FINAL'].includes(error.code);
    if (!changedMeanwhile) problems.push({ task: id, code: error.code, detail: error.message });
    return false;
  }
}

async function cancelOne({ cancel }: ApiContext, id: string, { principal }: Asker): Promise<boolean> {
  await cancel(id, principal);
  return true;
}

async function retryOne(context: ApiContext, id: string, asker: Asker): Promise<boolean> {
  const task = await context.store.tasks.get(id);
  if (!task) return false;
  const wish = await preparedRetry(context, task, { ...ONCE(id), correlationId: asker.id });
  const { replayed, joined = false } = await context.acceptor.accept(wish);
  if (joined) throw new InterlockError('CONFLICT', `Another task has the unique key "${wish.unique?.key ?? ''}".`);
  return !replayed;
}
