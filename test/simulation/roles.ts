import { Beat } from '../../src/beat/beat.js';
import type { JsonObject } from '../../src/core/json.js';
import type { OnMissing, ProcessRecord, Role as ProcessRole } from '../../src/core/process.js';
import type { NewTask, Task } from '../../src/core/task.js';
import { DEFAULT_TIMING } from '../../src/core/timing.js';
import { Acceptor, type Accepted } from '../../src/dispatch/accept.js';
import { cancelTask } from '../../src/dispatch/cancel.js';
import { Dependents } from '../../src/dispatch/dependents.js';
import { Hints } from '../../src/dispatch/hints.js';
import { prepare } from '../../src/dispatch/submission.js';
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
  log?: Log;
}

export interface Api extends Service {
  accept(task: NewTask): Promise<Accepted>;
  acceptAll(tasks: NewTask[]): Promise<{ tasks: Task[] }>;
  cancel(id: string): Promise<Task>;
}

/** So short that records of dead processes are forgotten during a run. */
const RETENTION_MS = 40_000;
const VERSIONS = { interlock: 'simulated', node: 'simulated' };

export function api(parts: Parts): Api {
  const { store, broker } = parts;
  const presence = presenceOf('api', parts);
  const hints = new Hints(broker, parts.process.runtime.clock);
  const acceptor = new Acceptor({ tasks: store.tasks, hints });
  const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, log: parts.log ?? silentLog });
  return {
    ...asOne('api', [broker_(parts), presence]),
    accept: task => acceptor.accept(task),
    acceptAll: tasks => acceptor.acceptAll(tasks),
    cancel: id => cancelTask({ tasks: store.tasks, hints, dependents, broker }, id, 'client'),
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
  const { store, broker, process, onMissing, log = silentLog } = parts;
  const { runtime, name } = process;
  const presence = presenceOf('beat', parts);
  const acceptor = new Acceptor({ tasks: store.tasks, hints: new Hints(broker, runtime.clock) });
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
  });
  return asOne('beat', [broker_(parts), presence, service]);
}

export function worker(parts: Parts, pool: SimulatedPool, work: { queues: string[]; dedicated: boolean }): Service {
  const { store, broker, process, onMissing, log = silentLog, provedGone, endChildren } = parts;
  const refuse = (): Promise<never> => Promise.reject(new Error('bodies spawn nothing here'));
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
    shutdownGraceMs: 2_000,
    provedGone,
    endChildren,
    spawn: refuse,
    service: refuse,
  });
  return asOne('worker', [broker_(parts), service]);
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
