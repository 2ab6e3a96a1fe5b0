import { InterlockError, MissingResource } from '../../core/errors.js';
import type { Schedule } from '../../core/schedule.js';
import type { UnitsOf } from '../../dispatch/reserved.js';
import type { SubmissionDeps } from '../../dispatch/submission.js';
import type { ApiContext } from '../context.js';
import { etagOf } from './view.js';

/** A beat writes a schedule twice a slot; whoever meets it so often has no luck, but trouble. */
const MAX_TRIES = 20;

export async function found({ store }: Pick<ApiContext, 'store'>, id: string): Promise<Schedule> {
  const schedule = await store.schedules.get(id);
  if (!schedule) throw missing(id);
  return schedule;
}

/**
 * Makes the change to the schedule as it is, again where somebody else was quicker. Resolves with what is stored then. Throws MissingResource,
 * PRECONDITION_FAILED, CONFLICT, OVERLOADED, and what `make` throws.
 */
export async function change(
  context: Pick<ApiContext, 'store'>,
  { id, ifMatch }: { id: string; ifMatch: string | undefined },
  make: (schedule: Schedule, now: Date) => Schedule | Promise<Schedule>,
): Promise<Schedule> {
  const { schedules } = context.store;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const schedule = await found(context, id);
    requireMatch(schedule, ifMatch);
    const wanted = await make(schedule, await schedules.now());
    if (wanted === schedule) return schedule;
    const stored = await schedules.replace(wanted);
    if (stored === 'name-taken') throw taken(wanted.name);
    if (stored !== 'changed') return stored;
  }
  throw busy(id);
}

export async function removeFound(context: Pick<ApiContext, 'store'>, id: string, ifMatch: string | undefined): Promise<void> {
  if (ifMatch === undefined) {
    if (!(await context.store.schedules.remove(id))) throw missing(id);
    return;
  }
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const schedule = await found(context, id);
    requireMatch(schedule, ifMatch);
    if (await context.store.schedules.remove(id, schedule.version)) return;
  }
  throw busy(id);
}

export function taken(name: string): InterlockError {
  return new InterlockError('CONFLICT', `There is a schedule called "${name}" already.`);
}

function requireMatch(schedule: Schedule, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const etag = etagOf(schedule);
  if (ifMatch.split(',').some(tag => tag.trim() === etag)) return;
  throw new InterlockError(
    'PRECONDITION_FAILED',
    `Schedule "${schedule.name}" has the ETag ${etag} now: read it again, and decide anew.`,
    { errors: [{ pointer: 'if-match', detail: `expected ${etag}` }] },
  );
}

function busy(id: string): InterlockError {
  return new InterlockError('OVERLOADED', `Schedule ${id} was changed by others again and again. Try again.`);
}

function missing(id: string): MissingResource {
  return new MissingResource(`Schedule ${id.slice(0, 100)}`);
}

export function submission({ store, types, runtime }: ApiContext, now: Date): SubmissionDeps {
  const unitsOf: UnitsOf = names => store.capacities.of(names);
  return { types, unitsOf, now: () => now, newId: () => runtime.random.id(), hash: text => text };
}
