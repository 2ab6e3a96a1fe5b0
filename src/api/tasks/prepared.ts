import { createHash } from 'node:crypto';

import type { FastifyRequest } from 'fastify';

import { InterlockError, invalid, type FieldError } from '../../core/errors.js';
import type { NewTask, Task } from '../../core/task.js';
import { retried, type RetryOrigin } from '../../dispatch/retrying.js';
import { validationFailed } from '../../dispatch/schema-check.js';
import type { UnitsOf } from '../../dispatch/reserved.js';
import { familyOf, idIn, prepare, type Origin } from '../../dispatch/submission.js';
import type { ApiContext } from '../context.js';

/** One submission of several in a request. */
export interface Wish {
  body: unknown;
  /** Where it stands in the body of the request. */
  pointer: string;
  /** What the idempotency key stands for beside it: the whole request, for the first of them. */
  keyedBody: unknown;
}

/** The record that this request wants. Throws VALIDATION_FAILED, UNKNOWN_TASK_TYPE, StoreError. */
export async function prepared(
  context: ApiContext & { unitsOf?: UnitsOf },
  request: FastifyRequest,
  body: unknown,
  more: Partial<Origin> = {},
): Promise<NewTask> {
  const { types, runtime, serverTime, unitsOf = unitsOfOne(context) } = context;
  const now = await serverTime.now();
  const key = request.headers['idempotency-key'];
  const origin = {
    principal: request.principal,
    correlationId: request.id,
    parent: await parentOf(context, body),
    ...(typeof key === 'string' && { idempotencyKey: key }),
    ...more,
  };
  await requireGroup(context, body);
  return prepare(body, origin, { types, unitsOf, now: () => now, newId: () => runtime.random.id(), hash: sha256 });
}

/** What is to be tried once more. Throws as `retried` does. */
export async function preparedRetry(context: ApiContext, task: Task, origin: RetryOrigin): Promise<NewTask> {
  const { types, runtime, serverTime } = context;
  const now = await serverTime.now();
  return retried(task, origin, {
    ...{ types, unitsOf: unitsOfOne(context), now: () => now },
    ...{ newId: () => runtime.random.id(), hash: sha256 },
  });
}

/**
 * All of them, or one error for all that is wrong. Every task has a key of its own, with a space in it: no client can have sent that one.
 */
export async function preparedAll(context: ApiContext, request: FastifyRequest, wishes: readonly Wish[]): Promise<NewTask[]> {
  const key = request.headers['idempotency-key'];
  const asking = { ...context, unitsOf: unitsOfOne(context) };
  const tasks: NewTask[] = [];
  const refused: { error: InterlockError; pointer: string }[] = [];
  for (const [index, { body, pointer, keyedBody }] of wishes.entries()) {
    try {
      const keyed = typeof key === 'string' ? { idempotencyKey: `${key} ${index}`, keyedBody } : {};
      tasks.push(await prepared(asking, request, body, keyed));
    } catch (error) {
      if (!(error instanceof InterlockError)) throw error;
      refused.push({ error, pointer });
    }
  }
  if (refused.length > 0) throw refusedTogether(refused);
  return tasks;
}

function refusedTogether(refused: readonly { error: InterlockError; pointer: string }[]): InterlockError {
  const errors = refused.flatMap(({ error, pointer }) =>
    error.errors.map((each): FieldError => ({ ...each, pointer: `${pointer}${each.pointer}` })),
  );
  const same = validationFailed(errors);
  const [first] = refused;
  return new InterlockError(first?.error.code ?? 'VALIDATION_FAILED', same.message, { errors: same.errors });
}

async function requireGroup({ store }: ApiContext, body: unknown): Promise<void> {
  const id = idIn(body, 'group');
  if (id === undefined || (await store.groups.get(id))) return;
  throw invalid('/group', 'is not the id of a group', 'missing_resource');
}

/** For one request: each name is asked for once. */
function unitsOfOne({ store }: ApiContext): UnitsOf {
  const known = new Map<string, number>();
  const asked = new Set<string>();
  return async names => {
    const fresh = names.filter(name => !asked.has(name));
    if (fresh.length > 0) for (const [name, units] of await store.capacities.of(fresh)) known.set(name, units);
    for (const name of fresh) asked.add(name);
    return known;
  };
}

/** Undefined too where there is no such task: the body is judged as a whole. */
async function parentOf({ store }: ApiContext, body: unknown): Promise<Origin['parent']> {
  const id = idIn(body, 'parent');
  const parent = id === undefined ? undefined : await store.tasks.get(id);
  return parent && familyOf(parent);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
