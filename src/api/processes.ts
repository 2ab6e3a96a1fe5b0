import { Type, type Static } from 'typebox';

import { MissingResource } from '../core/errors.js';
import type { ProcessRecord } from '../core/process.js';
import { API_BASE } from '../core/task-view.js';
import type { ApiContext, ApiServer } from './context.js';
import { readRoster, type Roster } from './roster.js';
import { NameParams, Time, listOf, ref, wholeList } from './schemas.js';

const Versions = Type.Object({ interlock: Type.String(), node: Type.String() });
const ofEveryProcess = {
  name: Type.String(),
  state: Type.Unsafe<ProcessRecord['state']>({ type: 'string', enum: ['live', 'missing', 'stopped'] }),
  online: Type.Boolean({ description: 'Live, and its heartbeat is fresh.' }),
  host: Type.String(),
  pid: Type.Integer(),
  startedAt: Time,
  lastHeartbeat: Time,
  versions: Versions,
};

export const LeaderSchema = Type.Object(
  { ...ofEveryProcess, leading: Type.Boolean() },
  { $id: 'LeaderProcess', additionalProperties: false },
);
export const WorkerSchema = Type.Object(
  {
    ...ofEveryProcess,
    href: Type.String(),
    queues: Type.Array(Type.String()),
    dedicated: Type.Boolean({ description: 'Takes nothing but what is bound to it.' }),
    slots: Type.Integer(),
    freeSlots: Type.Integer(),
    tasks: Type.Array(Type.String(), { description: 'Ids of what it runs now.' }),
  },
  { $id: 'Worker', additionalProperties: false },
);

function processOf(process: ProcessRecord, roster: Roster): Omit<Static<typeof LeaderSchema>, 'leading'> {
  const { name, state, host, pid, startedAt, beatAt, versions } = process;
  return {
    name,
    state,
    online: roster.isLive(process),
    host,
    pid,
    startedAt: startedAt.toISOString(),
    lastHeartbeat: beatAt.toISOString(),
    versions,
  };
}

export function leaderOf(process: ProcessRecord, roster: Roster): Static<typeof LeaderSchema> {
  return { ...processOf(process, roster), leading: roster.isLeading(process) };
}

export function workerOf(process: ProcessRecord, roster: Roster): Static<typeof WorkerSchema> {
  const { name, queues, dedicated, slots } = process;
  return {
    ...processOf(process, roster),
    href: `${API_BASE}/workers/${encodeURIComponent(name)}`,
    queues,
    dedicated,
    slots,
    freeSlots: roster.freeSlots(process),
    tasks: roster.tasksOf(name).map(task => task.id),
  };
}

export function workerRoutes(app: ApiServer, { store }: ApiContext): void {
  const listing = {
    operationId: 'listWorkers',
    summary: 'Workers, what they run, and those that are gone',
    tags: ['workers'],
    response: { 200: listOf(ref(WorkerSchema)) },
  };
  app.get('/workers', { schema: listing }, async () => {
    const roster = await readRoster(store);
    return wholeList(roster.processes.filter(({ role }) => role === 'worker').map(worker => workerOf(worker, roster)));
  });

  const reading = {
    operationId: 'getWorker',
    summary: 'One worker',
    tags: ['workers'],
    params: NameParams,
    response: { 200: ref(WorkerSchema) },
  };
  app.get('/workers/:name', { schema: reading }, async request => {
    const roster = await readRoster(store);
    const worker = roster.processes.find(({ role, name }) => role === 'worker' && name === request.params.name);
    if (!worker) throw new MissingResource(`Worker "${request.params.name.slice(0, 200)}"`);
    return workerOf(worker, roster);
  });
}
