import { Beat } from '../../src/beat/beat.js';
import type { Command } from '../../src/core/command.js';
import type { JsonObject } from '../../src/core/json.js';
import type { Lender } from '../../src/core/task.js';
import type { OnMissing, ProcessRecord, Role as ProcessRole } from '../../src/core/process.js';
import type { Retention } from '../../src/core/retention.js';
import type { NewTask, Task } from '../../src/core/task.js';
import { DEFAULT_TIMING } from '../../src/core/timing.js';
import { Acceptor, type Accepted } from '../../src/dispatch/accept.js';
import { cancelTask } from '../../src/dispatch/cancel.js';
import { Dependents } from '../../src/dispatch/dependents.js';
import { Events } from '../../src/dispatch/events.js';
import { Hints } from '../../src/dispatch/hints.js';
import { steer } from '../../src/dispatch/steer.js';
import { familyOf, prepare } from '../../src/dispatch/submission.js';
import { silentLog, type Log } from '../../src/process/log.js';
import { Presence } from '../../src/process/presence.js';
import { startAll, stopAll, type Service } from '../../src/process/service.js';
import { ResourceManager } from '../../src/resource-manager/resource-manager.js';
import type { Store } from '../../src/store/store.js';
import { Worker } from '../../src/worker/worker.js';
import type { SimulatedBroker } from './broker/exchange.js';
import type { SimulatedPool } from './pool.js';
import type { SimulatedProcess } from './process.js';

/** What a role is made of; src/main composes the real ones of the same parts in the same way. */
export interface Parts {
  process: SimulatedProcess;
  store: Store;
  broker: SimulatedBroker;
  machine: string;
  provedGone: (holder: ProcessRecord) => boolean;
  endChildren: (holder: ProcessRecord) => Promise<void>;
  assignment: 'late' | 'eager';
  onMissing: OnMissing;
  retention: Retention;
  log?: Log;
}

export interface Api extends Service {
  accept(task: NewTask): Promise<Accepted>;
  acceptAll(tasks: NewTask[]): Promise<{ tasks: Task[] }>;
  cancel(id: string): Promise<Task>;
  steer(worker: string, command: Command): Promise<unknown>;
}

/** So short that records of dead processes are forgotten during a run. */
const RETENTION_MS = 40_000;
const VERSIONS = { interlock: 'simulated', node: 'simulated' };

export function api(parts: Parts): Api {
  const { store, broker } = parts;
  const { runtime } = parts.process;
  const presence = presenceOf('api', parts);
  const hints = new Hints(broker, parts.process.runtime.clock);
  const events = eventsOf(parts);
  const acceptor = new Acceptor({ tasks: store.tasks, hints, events });
  const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, events, log: parts.log ?? silentLog });
  return {
    ...asOne('api', [broker_(parts), presence]),
    accept: task => acceptor.accept(task),
    acceptAll: tasks => acceptor.acceptAll(tasks),
    steer: (worker, command) =>
      steer({ processes: store.processes, broker, newId: () => runtime.random.uuid() }, [worker], command),
    cancel: id => cancelTask({ tasks: store.tasks, hints, events, dependents, broker }, id, 'client'),
  };
}

export function manager(parts: Parts): Service {
  const { store, broker, process, assignment, onMissing, log = silentLog } = parts;
  const presence = presenceOf('resource-manager', parts);
  const { runtime, name } = process;
  const incarnation = trusted(presence);
  const service = new ResourceManager({
    store,
    broker,
    runtime,
    log,
    timing: DEFAULT_TIMING,
    name,
    incarnation,
    assignment,
    onMissing,
  });
  // Started in this order, stopped in the reverse one, as src/main/resource-manager.ts does it.
  return asOne('resource manager', [broker_(parts), presence, service]);
}

export function beat(parts: Parts): Service {
  const { store, broker, process, onMissing, retention, log = silentLog } = parts;
  const { runtime, name } = process;
  const presence = presenceOf('beat', parts);
  const acceptor = new Acceptor({ tasks: store.tasks, hints: new Hints(broker, runtime.clock), events: eventsOf(parts) });
  const submit = async (body: JsonObject, schedule: { id: string; slot: Date }): Promise<{ id: string }> => {
    const now = await store.schedules.now();
    const deps = { types: undefined, now: () => now, newId: () => runtime.random.id(), hash: (text: string) => text };
    const origin = { principal: 'schedule', correlationId: runtime.random.id(), schedule };
    const { task } = await acceptor.accept(await prepare(body, origin, deps));
    return { id: task.id };
  };
  const ticks = { next: (signal: AbortSignal) => runtime.timers.sleep(1_000, signal), stop: () => Promise.resolve() };
  const service = new Beat({
    store,
    broker,
    runtime,
    log,
    timing: DEFAULT_TIMING,
    name,
    incarnation: trusted(presence),
    submit,
    ticks,
    onMissing,
    retentionMs: RETENTION_MS,
    retention,
  });
  return asOne('beat', [broker_(parts), presence, service]);
}

/** `leave`: it was asked to end by remote. */
export function worker(
  parts: Parts,
  pool: SimulatedPool,
  { maxAwaiting, ...work }: { queues: string[]; dedicated: boolean; maxAwaiting: number },
  leave: () => void,
): Service {
  const { store, broker, process, onMissing, log = silentLog, provedGone, endChildren } = parts;
  const refuse = (): Promise<never> => Promise.reject(new Error('bodies ask for no services here'));
  const { runtime } = process;
  const acceptor = new Acceptor({ tasks: store.tasks, hints: new Hints(broker, runtime.clock), events: eventsOf(parts) });
  const spawn = async (body: JsonObject, parent: Task, { under }: { under?: Lender | undefined }): Promise<{ id: string }> => {
    const now = await store.schedules.now();
    const deps = { types: undefined, now: () => now, newId: () => runtime.random.id(), hash: (text: string) => text };
    const origin = { principal: 'task', correlationId: parent.correlationId, parent: familyOf(parent), under };
    const { task } = await acceptor.accept(await prepare(body, origin, deps));
    return { id: task.id };
  };
  const service = new Worker({
    store,
    broker,
    pool,
    runtime: process.runtime,
    log,
    timing: DEFAULT_TIMING,
    name: process.name,
    identity: identityOf(parts),
    versions: VERSIONS,
    ...work,
    onMissing,
    leave: () => leave(),
    measure: () => ({ children: 0, residentMiB: null, childrenMiB: null, tasksRun: 0, uptimeSeconds: 0, loopUse: 0 }),
    shutdownGraceMs: 2_000,
    maxAwaiting,
    provedGone,
    endChildren,
    spawn,
    service: refuse,
  });
  return asOne('worker', [broker_(parts), service]);
}

function eventsOf({ store, broker, process, log = silentLog }: Parts): Events {
  return new Events({ broker, tasks: store.tasks, clock: process.runtime.clock, log });
}

function presenceOf(role: Exclude<ProcessRole, 'worker'>, parts: Parts): Presence {
  const { store, process, log = silentLog, provedGone } = parts;
  return new Presence({
    processes: store.processes,
    runtime: process.runtime,
    log,
    timing: DEFAULT_TIMING,
    provedGone,
    endChildren: () => Promise.resolve(),
    endTasks: () => Promise.resolve(),
    identity: { ...identityOf(parts), name: process.name, role, queues: [], dedicated: false, slots: 0, versions: VERSIONS },
    onBeat: () => undefined,
    onLost: () => Promise.resolve(),
  });
}

function identityOf({ process, machine }: Parts): {
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  startTicks: number;
} {
  return { host: machine, bootId: machine, pidNamespace: machine, pid: process.pid, startTicks: process.pid };
}

function trusted(presence: Presence): () => string | undefined {
  return () => (presence.trusted ? presence.incarnation : undefined);
}

function broker_({ broker }: Parts): Service {
  return { name: 'broker', start: () => broker.start(), stop: () => broker.close() };
}

function asOne(name: string, services: readonly Service[]): Service {
  return { name, start: () => startAll(services), stop: () => stopAll(services) };
}
