import type { Maintenance } from '../../core/maintenance.js';
import type { ProcessRecord } from '../../core/process.js';
import type { Backlog, Store } from '../../store/store.js';
import type { ApiDeps } from '../context.js';
import { queueNames } from '../queues.js';

/** Everything that the database and the broker say of the whole deployment, at one moment. */
export interface Fleet {
  backlog: Backlog;
  /** Live and missing ones. */
  processes: ProcessRecord[];
  leases: Record<'resource-manager' | 'beat', Awaited<ReturnType<Store['leases']['read']>>>;
  maintenance: Maintenance | undefined;
  /** How late the earliest slot is that has made no task, in seconds. */
  scheduleLagSeconds: number;
  /** Those that the broker knows. */
  queues: { name: string; messages: number; consumers: number }[];
}

/** Above this a number says no more than that there are many. */
const COUNT_CAP = 100_000;

export async function readFleet({ store, broker, types }: Pick<ApiDeps, 'store' | 'broker' | 'types'>): Promise<Fleet> {
  const [backlog, all, manager, beat, maintenance, due] = await Promise.all([
    store.tasks.backlog(COUNT_CAP),
    store.processes.list({ counts: true }),
    store.leases.read('resource-manager'),
    store.leases.read('beat'),
    store.maintenance.read(),
    store.schedules.due(1),
  ]);
  const depths = await Promise.all(
    queueNames(all, types).map(async name => ({ name, depth: await broker.depth({ to: 'queue', queue: name }) })),
  );
  const [late] = due.schedules;
  const lagMs = late?.nextAt ? due.now.getTime() - late.nextAt.getTime() : 0;
  return {
    backlog,
    processes: all.filter(({ state }) => state !== 'stopped'),
    leases: { 'resource-manager': manager, beat },
    maintenance,
    scheduleLagSeconds: Math.max(0, lagMs / 1_000),
    queues: depths.flatMap(({ name, depth }) => (depth ? [{ name, ...depth }] : [])),
  };
}
