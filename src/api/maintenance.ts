import { Type, type Static } from 'typebox';

import { MAINTENANCE_AGE_MS, type Maintenance } from '../core/maintenance.js';
import { WAITING_FOR, type WaitingFor } from '../core/state.js';
import type { ApiContext, ApiServer } from './context.js';
import { Time, orNull, ref } from './schemas.js';

/** More than this is as good as many: a drain wants to know whether it gets less. */
const COUNT_CAP = 10_000;

const Waiting = Object.fromEntries(WAITING_FOR.map(what => [what, Type.Integer()])) as Record<
  WaitingFor,
  ReturnType<typeof Type.Integer>
>;

/** What stands in the status, too. */
export const MaintenanceNoteSchema = Type.Object(
  { since: Time, by: Type.String(), reason: orNull(Type.String()) },
  { $id: 'MaintenanceNote', additionalProperties: false },
);

export const MaintenanceSchema = Type.Object(
  {
    on: Type.Boolean({ description: 'New tasks are refused with 503 and the code MAINTENANCE.' }),
    since: orNull(Time),
    by: orNull(Type.String()),
    reason: orNull(Type.String()),
    open: Type.Object(
      { running: Type.Integer(), canceling: Type.Integer(), waiting: Type.Object(Waiting, { additionalProperties: false }) },
      { additionalProperties: false, description: `Tasks that have not ended; each number is counted up to ${COUNT_CAP}.` },
    ),
    delays: orNull(
      Type.Object(
        { first: Time, last: Time },
        { additionalProperties: false, description: 'When the first and the last delay, or pause before a retry, ends.' },
      ),
    ),
  },
  { $id: 'Maintenance', additionalProperties: false },
);
type MaintenanceView = Static<typeof MaintenanceSchema>;

export function maintenanceRoutes(app: ApiServer, context: ApiContext): void {
  const reading = {
    operationId: 'getMaintenance',
    summary: 'Whether new tasks are taken, and what has not ended yet',
    tags: ['maintenance'],
    response: { 200: ref(MaintenanceSchema) },
  };
  app.get('/maintenance', { schema: reading }, async () => viewOf(context, await context.store.maintenance.read()));

  const setting = {
    operationId: 'setMaintenance',
    summary: 'Take no new tasks, or take them again, at every API and for schedules',
    description:
      'Turned on, it answers when no API takes anything any more, after a second. What was accepted goes on, with what its bodies spawn.',
    tags: ['maintenance'],
    body: Type.Object(
      {
        on: Type.Boolean(),
        reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Shown to whoever is refused.' })),
      },
      { additionalProperties: false },
    ),
    response: { 200: ref(MaintenanceSchema) },
  };
  app.post('/maintenance', { schema: setting }, async request => {
    const { on, reason } = request.body;
    if (on) return viewOf(context, await begin(context, request.principal, reason));
    await end(context);
    return viewOf(context, undefined);
  });
}

async function begin(
  { store, acceptance, runtime, log }: ApiContext,
  by: string,
  reason: string | undefined,
): Promise<Maintenance> {
  const maintenance = await store.maintenance.begin({ by, ...(reason !== undefined && { reason }) });
  acceptance.forget();
  log.warn('Maintenance is on: no new tasks are taken.', { ...maintenance });
  await runtime.timers.sleep(MAINTENANCE_AGE_MS);
  return maintenance;
}

async function end({ store, acceptance, log }: ApiContext): Promise<void> {
  if (await store.maintenance.end()) log.warn('Maintenance is off: new tasks are taken again.');
  acceptance.forget();
}

async function viewOf({ store }: ApiContext, maintenance: Maintenance | undefined): Promise<MaintenanceView> {
  const { running, canceling, waiting, dueFrom, dueUntil } = await store.tasks.backlog(COUNT_CAP);
  return {
    on: maintenance !== undefined,
    since: maintenance?.since.toISOString() ?? null,
    by: maintenance?.by ?? null,
    reason: maintenance?.reason ?? null,
    open: { running, canceling, waiting },
    delays: dueFrom && dueUntil ? { first: dueFrom.toISOString(), last: dueUntil.toISOString() } : null,
  };
}
