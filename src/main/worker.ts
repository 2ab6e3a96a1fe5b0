import type { Config } from '../config/schema.js';
import { MissingResource } from '../core/errors.js';
import { dependenciesOf } from '../dispatch/dependencies.js';
import { familyOf } from '../dispatch/submission.js';
import { provedGone } from '../process/identity.js';
import { timingTasks } from '../process/metrics-tasks.js';
import type { Service } from '../process/service.js';
import { DEPENDENCIES } from '../tasks/run-context.js';
import { createAsyncPool } from '../worker/async/async.js';
import { killLeftovers } from '../worker/children/children-ledger.js';
import { workerDirectoryOf } from '../worker/children/directory.js';
import type { PoolOptions } from '../worker/children/pool-options.js';
import type { Pool } from '../worker/pool.js';
import { createPreforkPool } from '../worker/prefork/prefork.js';
import { measuring } from '../worker/measuring.js';
import { Worker, type WorkerDeps } from '../worker/worker.js';
import { compose, type Parts } from './compose.js';
import { metricsOf, serviceOf } from './metrics.js';
import { isDedicated, isResourceManager } from './names.js';
import { pluginServices } from './plugin-services.js';
import { poolWanted, type PoolKind } from './pool-wanted.js';
import { STOP_MS } from './presence.js';
import { quarantineOf } from './quarantine.js';
import { runResourceManager } from './resource-manager.js';
import { serve } from './serve.js';
import { submitting } from './submitting.js';
import { asSetting, taskModules } from './task-modules.js';
import { makeFolders } from './writable.js';

export interface WorkerFlags {
  name?: string;
  queues?: string[];
  concurrency?: number;
  pool?: PoolKind;
}

/** `interlock worker`: runs tasks in child processes. One that is named like a resource manager is one. */
export async function runWorker(flags: WorkerFlags): Promise<never> {
  if (flags.name !== undefined && isResourceManager(flags.name)) return runResourceManager({ name: flags.name });
  const parts = await compose('worker', flags);
  const { logger, config, name, database, messages, asked } = parts;
  makeFolders(config, ['workingDirectory', 'dataDirectory']);
  const directory = workerDirectoryOf(config.workingDirectory, name);
  const wanted = poolWanted(config.worker, flags);
  const pool = createPool(parts, wanted, directory);
  const dedicated = isDedicated(name);
  const queues = dedicated ? [] : [...(flags.queues ?? config.worker.queues)];
  const metrics = metricsOf(parts);
  const worker = new Worker({
    ...parts,
    log: logger,
    timing: config.timing,
    pool,
    queues,
    dedicated,
    onMissing: config.workers.onMissing,
    count: parts.tally.up,
    ...(metrics && { timed: timingTasks(metrics.registry) }),
    leave: stage => {
      logger.info(`Asked to end by remote (${stage}).`);
      asked.abort();
    },
    measure: measuring(pool),
    shutdownGraceMs: config.worker.shutdownGraceMs,
    maxAwaiting: config.worker.maxAwaiting,
    provedGone: holder => provedGone(holder, parts.identity),
    endChildren: holder => killLeftovers(workerDirectoryOf(config.workingDirectory, holder.name), logger),
    ...askedByBodies(parts),
  });
  const quarantine = quarantineOf(parts);
  return serve(
    {
      logger,
      // What a killed predecessor left running holds its folder; the worker itself registers before it starts children.
      start: [database, messages, leftovers(parts, directory), starting(worker), quarantine, ...serviceOf(metrics)],
      // Its tasks end and are recorded, so the connections go last.
      stop: [...serviceOf(metrics), quarantine, worker, messages, database],
      hasten: stage => worker.hasten(stage),
      stopWithinMs: stopTime(config),
      ready: () => ({
        role: 'worker',
        name,
        detail: `${name} has ${pool.slots} slots (${wanted.kind})${dedicated ? ' for what is bound to it' : ` for ${queues.join(', ')}`}; ${pool.stats().types.length} task types.`,
      }),
      abandon: () => pool.killAll(),
    },
    asked,
  );
}

/** What bodies ask of their worker. */
function askedByBodies(parts: Parts): Pick<WorkerDeps, 'spawn' | 'service'> {
  const submit = submitting(parts, undefined);
  const services = pluginServices(parts);
  return {
    spawn: (body, parent, { under, version }) =>
      submit(body, {
        version,
        principal: `task ${parent.id}`,
        correlationId: parent.correlationId,
        parent: familyOf(parent),
        under,
      }),
    service: (service, input, task) => {
      if (service === DEPENDENCIES) return dependenciesOf(parts.store.joins, task);
      const call = Object.hasOwn(services, service) ? services[service] : undefined;
      return call ? call(input, task) : Promise.reject(new MissingResource(`The service ${service}`));
    },
  };
}

function createPool(
  { config, name, logger, runtime }: Parts,
  { kind, slots }: { kind: PoolKind; slots: number },
  workerDirectory: string,
): Pool {
  const { graceMs, killMs, retireMs, recycleAfterTasks, recycleAboveMiB, childMemoryMiB, resultLimitBytes } = config.worker;
  const options: PoolOptions = {
    slots,
    workerName: name,
    workerDirectory,
    taskModules: taskModules(config),
    moduleBase: process.cwd(),
    childEnvironment: config.childEnvironment,
    graceMs,
    killMs,
    timeLimitMs: config.worker.timeLimitSeconds * 1_000,
    recycleAfterTasks,
    recycleAboveMiB,
    memoryMiB: childMemoryMiB,
    resultLimitBytes,
    log: logger,
    runtime,
  };
  return kind === 'prefork'
    ? createPreforkPool(options)
    : createAsyncPool({ ...options, retireMs, silentMs: config.timing.selfFenceMs });
}

function starting(worker: Worker): Service {
  const start = (): Promise<void> =>
    worker.start().catch((error: unknown) => {
      throw asSetting(error);
    });
  return { name: worker.name, start, stop: () => worker.stop() };
}

/** A worker of this name that was swept away already leaves no live record to register over, but its children may still be dying. */
function leftovers({ store, name, identity, logger }: Parts, directory: string): Service {
  return {
    name: 'leftovers',
    start: async () => {
      const former = await store.processes.get(name);
      if (former && former.state !== 'live' && provedGone(former, identity)) await killLeftovers(directory, logger);
    },
    stop: () => Promise.resolve(),
  };
}

/** Running tasks may finish, then get their graces; an outage of the database ends the wait by the self-fence. */
function stopTime({ worker, timing }: Config): number {
  return worker.shutdownGraceMs + worker.graceMs + worker.killMs + worker.retireMs + timing.selfFenceMs + STOP_MS;
}
