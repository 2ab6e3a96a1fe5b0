import { InterlockError } from '../core/errors.js';
import { isFinal } from '../core/state.js';
import type { ConcurrencyWish } from '../core/submit-body.js';
import { needsResources, type NewTask, type Task } from '../core/task.js';
import { concurrencyWishOf, countedUnits } from '../core/task-view.js';
import { canonicalJson } from './canonical-json.js';
import { reservationOf } from './reserved.js';
import { typeNamed, type Origin, type SubmissionDeps } from './submission.js';
import type { TypeCatalogue } from './type-catalogue.js';

export type RetryOrigin = Pick<Origin, 'principal' | 'correlationId' | 'idempotencyKey'>;
export type RetryDeps = SubmissionDeps & { types: TypeCatalogue };

/** What of a record is the wish of whoever submitted it, and not its story. */
const SAME = [
  'name',
  'args',
  'kwargs',
  'queue',
  'priority',
  'maxAttempts',
  'onWorkerLoss',
  'retry',
  'timeLimits',
  'unique',
  'rate',
  'parent',
  'root',
  'group',
  'tags',
] as const satisfies readonly (keyof NewTask)[];

/**
 * A new task that wants what this one wanted, to be tried once more. It reserves what the record says and, as it will run with the code of now, what its
 * type says now. It is no slot of a schedule and no node of a workflow: what came after it there has been judged by its end. Nothing is stored here.
 * Throws TASK_NOT_FINAL, CONFLICT for one that neither failed nor was canceled, UNKNOWN_TASK_TYPE, VALIDATION_FAILED where its type has changed.
 */
export async function retried(task: Task, origin: RetryOrigin, deps: RetryDeps): Promise<NewTask> {
  refuse(task);
  const { name, args, kwargs } = task;
  const definition = typeNamed(name, deps.types);
  const { input } = await deps.types.check(definition, args, kwargs);
  const wish = reservedBy(task);
  const reserved = await reservationOf(wish, { definition, input, unitsOf: deps.unitsOf });
  const same = Object.fromEntries(SAME.flatMap(field => (task[field] === undefined ? [] : [[field, task[field]]]))) as Pick<
    NewTask,
    (typeof SAME)[number]
  >;
  const { principal, correlationId, idempotencyKey: key } = origin;
  const bodyHash = deps.hash(canonicalJson({ retryOf: task.id }));
  return {
    ...same,
    ...reserved,
    id: deps.newId(),
    ...(definition.version !== undefined && { version: definition.version }),
    state: 'waiting',
    waitingFor: needsResources({ ...reserved, ...(task.rate && { rate: task.rate }) }) ? 'resources' : 'worker',
    attempt: 0,
    attempts: [],
    progress: [],
    createdResources: [],
    retryOf: task.id,
    correlationId,
    ...(key !== undefined && { idempotency: { principal, key, bodyHash } }),
  };
}

function refuse({ id, state, damaged }: Task): void {
  if (!isFinal(state)) throw new InterlockError('TASK_NOT_FINAL', `Task ${id} has not ended yet: it is ${state}.`);
  if (state !== 'failed' && state !== 'canceled')
    throw new InterlockError('CONFLICT', `Task ${id} is ${state}: only what failed or was canceled can be tried again.`);
  if (damaged !== undefined)
    throw new InterlockError('CONFLICT', `The record of task ${id} is damaged (${damaged}): nobody can tell what to try again.`);
}

function reservedBy(task: Task): {
  name: string;
  exclusive: string[];
  shared: string[];
  counted: Record<string, number>;
  concurrency?: ConcurrencyWish;
} {
  const { name, exclusive, shared } = task;
  const concurrency = concurrencyWishOf(task);
  return { name, exclusive, shared, counted: countedUnits(task), ...(concurrency && { concurrency }) };
}
