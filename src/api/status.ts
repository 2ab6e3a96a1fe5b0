import { Type, type Static } from 'typebox';

import type { Maintenance } from '../core/maintenance.js';
import type { ApiContext, ApiServer } from './context.js';
import { probe, type Probed } from './deadline.js';
import { MaintenanceNoteSchema } from './maintenance.js';
import { LeaderSchema, leaderOf } from './processes.js';
import { readRoster, type Roster } from './roster.js';
import { Time, orNull, ref } from './schemas.js';
import { workerRef } from './workers/schemas.js';
import { workerOf } from './workers/view.js';

/** All probes run at once: the answer comes within three seconds whatever is away. */
const PROBE_MS = 2_500;

export const StatusSchema = Type.Object(
  {
    healthy: Type.Boolean(),
    reasons: Type.Array(Type.String(), { description: 'Why it is not healthy.' }),
    versions: Type.Object({ interlock: Type.String(), node: Type.String() }),
    databaseConnection: Type.Object({
      connected: Type.Boolean(),
      version: orNull(Type.String()),
      pingMs: orNull(Type.Number()),
    }),
    brokerConnection: Type.Object({ connected: Type.Boolean(), state: Type.String(), version: orNull(Type.String()) }),
    events: Type.Object(
      {
        readers: Type.Integer(),
        backlogBytes: Type.Integer({ description: 'Waits for all readers together.' }),
        largestBacklogBytes: Type.Integer({ description: 'Waits for the reader that is furthest behind.' }),
        resyncs: Type.Integer({ description: 'How often what waited for a reader was dropped.' }),
      },
      { description: 'Streams of this API.' },
    ),
    workers: Type.Array(workerRef),
    resourceManagers: Type.Array(ref(LeaderSchema)),
    beats: Type.Array(ref(LeaderSchema)),
    maintenance: orNull(ref(MaintenanceNoteSchema)),
    time: Time,
  },
  { $id: 'Status', additionalProperties: false },
);
export type Status = Static<typeof StatusSchema>;

export function statusRoute(app: ApiServer, context: ApiContext): void {
  let reading: Promise<Status> | undefined;
  const schema = {
    operationId: 'getStatus',
    summary: 'Whether everything that is needed is there',
    tags: ['status'],
    response: { 200: ref(StatusSchema) },
  };
  // Whoever asks while one is being made shares it: an outage must not pile up probes.
  app.get('/status', { schema }, () => (reading ??= readStatus(context).finally(() => (reading = undefined))));
}

async function readStatus(context: ApiContext): Promise<Status> {
  const { store, broker, runtime, version } = context;
  const [pinged, rostered, checked, closed] = await Promise.all([
    probe(() => store.ping(), PROBE_MS, runtime.timers),
    probe(() => readRoster(store), PROBE_MS, runtime.timers),
    probe(() => store.problems(), PROBE_MS, runtime.timers),
    probe(() => store.maintenance.read(), PROBE_MS, runtime.timers),
  ]);
  const brokerStatus = broker.status();
  const roster = rostered.ok ? rostered.value : undefined;
  const known = roster?.processes.filter(process => process.state !== 'stopped') ?? [];
  const status = {
    databaseConnection: databaseOf(pinged),
    brokerConnection: {
      connected: brokerStatus.state === 'up',
      state: brokerStatus.state,
      version: brokerStatus.version ?? null,
    },
    workers: roster ? known.filter(({ role }) => role === 'worker').map(each => workerOf(each, roster)) : [],
    resourceManagers: roster ? known.filter(({ role }) => role === 'resource-manager').map(each => leaderOf(each, roster)) : [],
    beats: roster ? known.filter(({ role }) => role === 'beat').map(each => leaderOf(each, roster)) : [],
  };
  const reasons = [...reasonsOf(status, roster), ...(checked.ok ? checked.value : [])];
  return {
    healthy: reasons.length === 0,
    reasons,
    versions: { interlock: version, node: process.versions.node },
    ...status,
    events: context.events.figures,
    maintenance: closed.ok ? noteOf(closed.value) : null,
    time: runtime.clock.wall().toISOString(),
  };
}

function noteOf(maintenance: Maintenance | undefined): Status['maintenance'] {
  if (!maintenance) return null;
  const { since, by, reason = null } = maintenance;
  return { since: since.toISOString(), by, reason };
}

function databaseOf(pinged: Probed<{ version: string; pingMs: number }>): Status['databaseConnection'] {
  if (!pinged.ok) return { connected: false, version: null, pingMs: null };
  return { connected: true, version: pinged.value.version, pingMs: Math.round(pinged.value.pingMs * 10) / 10 };
}

type Parts = Pick<Status, 'databaseConnection' | 'brokerConnection' | 'workers' | 'resourceManagers' | 'beats'>;

/** Every sentence says what is missing; without the database nothing can be said of the processes. */
function reasonsOf(parts: Parts, roster: Roster | undefined): string[] {
  const checks: [boolean, string][] = [
    [parts.databaseConnection.connected, 'MongoDB does not answer.'],
    [parts.brokerConnection.connected, `RabbitMQ is not reached (${parts.brokerConnection.state}).`],
  ];
  const ready = parts.workers.filter(each => each.online && each.slots > 0);
  if (roster) {
    checks.push(
      [parts.resourceManagers.some(each => each.online && each.leading), 'No resource manager leads: nothing is granted.'],
      [parts.beats.some(each => each.online), 'No beat is live: no schedules, no sweep.'],
      [ready.length > 0, 'No worker with slots is live: nothing is started.'],
      [ready.length === 0 || ready.some(each => !each.paused), 'Every live worker is paused: nothing is started.'],
    );
  } else if (parts.databaseConnection.connected) {
    checks.push([false, 'MongoDB is too slow to say which processes are live.']);
  }
  return checks.filter(([good]) => !good).map(([, reason]) => reason);
}
