import type { Json, JsonObject } from '../core/json.js';
import { viewOf } from '../core/task-view.js';
import { Dependents } from '../dispatch/dependents.js';
import { Events } from '../dispatch/events.js';
import { Hints } from '../dispatch/hints.js';
import { catalogueOf, type TypeCatalogue } from '../dispatch/type-catalogue.js';
import { silentLog, type Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { TaskDefinition } from '../tasks/definition.js';
import { installRegistry } from '../tasks/enqueue.js';
import { Registry } from '../tasks/registry.js';
import { noChance } from './chance.js';
import { durationMs } from './duration.js';
import { LabError } from './errors.js';
import { Changes, type LabParts } from './parts.js';
import { LabPool } from './pool.js';
import { SimulatedDatabase } from './store/database.js';
import { simulatedStore } from './store/store.js';
import { VirtualTime } from './virtual-time.js';

export interface LabOptions {
  /** Task types of `defineTask`. */
  tasks?: readonly TaskDefinition[];
  /** Whole task modules by their names, as `{ calculator: await import('./calculator.js') }`: every exported function is a task `calculator.<export>`. */
  modules?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** When virtual time begins; 2026-01-01T00:00:00Z unless given. */
  start?: Date | string;
  /** How many bodies run at a time; 4 unless given. */
  slots?: number;
  /** Whose tasks the worker takes; those of every queue unless given. */
  queues?: readonly string[];
  /** Takes what task code logs. */
  log?: Log;
  /** Answers `ctx.service`. */
  services?: Readonly<Record<string, (input: JsonObject) => Promise<Json> | Json>>;
  /** How many units there are of what tasks count. */
  capacities?: Readonly<Record<string, number>>;
  /** How long, in real time, a body may wait for something that is no part of the lab: seconds or a duration; 1.5 s unless given. */
  patience?: number | string;
}

const DEFAULT_START = '2026-01-01T00:00:00Z';
/** Shorter than what test runners give a test (mocha 2 s), so that the reason is told and not theirs. */
const PATIENCE = '1500ms';
const WORKER = 'worker@lab';

/** All that a lab is made of. Throws TaskModuleError, RangeError. */
export function partsOf(options: LabOptions, submitSlot: LabParts['submitSlot']): LabParts & { types: TypeCatalogue } {
  const registry = registryOf(options);
  const time = new VirtualTime(startOf(options));
  const runtime: Runtime = { clock: time.clock, timers: time.timers, random: noChance(() => time.now) };
  const { log: bodyLog = silentLog, queues, slots = 4 } = options;
  if (!(Number.isInteger(slots) && slots > 0))
    throw new RangeError(`createLab: slots must be a whole number above 0, not ${slots}.`);
  const pool = new LabPool({ registry, runtime, log: bodyLog, worker: WORKER, slots });
  const changes = new Changes();
  const seen = new Set(queues);
  const db = new SimulatedDatabase(
    () => time.now,
    ({ id, after }) => {
      changes.note(id);
      if (after && !queues) seen.add(after.queue);
      pool.changed();
    },
  );
  const store = simulatedStore(db);
  for (const [name, units] of Object.entries(options.capacities ?? {})) db.capacities.put(name, units);
  const hints = new Hints(
    { publish: () => Promise.resolve('confirmed'), depth: () => Promise.resolve(undefined), broadcast: () => undefined },
    time.clock,
  );
  const problems: Error[] = [];
  const log = complaining(problems);
  // Nobody listens in a lab.
  const events = new Events({ broker: { emit: () => undefined }, tasks: store.tasks, clock: time.clock, log });
  const dependents = new Dependents({ joins: store.joins, tasks: store.tasks, hints, events, log });
  const { patience = PATIENCE } = options;
  return {
    ...{ db, store, time, runtime, pool, hints, events, dependents, changes, problems, log, submitSlot, worker: WORKER },
    queues: () => [...seen],
    patienceMs: durationMs(patience),
    view(id) {
      const task = db.task(id);
      return task && structuredClone(viewOf(task));
    },
    types: catalogueOf(registry),
  };
}

function registryOf({ tasks = [], modules = {} }: LabOptions): Registry {
  const defined = { specifier: 'tasks', prefix: 'tasks', exports: Object.fromEntries(tasks.map(task => [task.name, task])) };
  const whole = Object.entries(modules).map(([name, exports]) => ({ specifier: name, prefix: name, exports }));
  const registry = Registry.from([defined, ...whole]);
  installRegistry(registry);
  return registry;
}

function startOf({ start = DEFAULT_START }: LabOptions): Date {
  const date = new Date(start);
  if (Number.isNaN(date.getTime())) throw new RangeError(`createLab: ${String(start)} is no time, as 2026-01-01T00:00:00Z is.`);
  return date;
}

/** What roles log as errors would be found by nobody. */
function complaining(problems: Error[]): Log {
  const log: Log = {
    ...silentLog,
    error(message, fields = {}) {
      const { err } = fields;
      problems.push(new LabError(err instanceof Error ? `${message} ${err.message}` : message, undefined, err));
    },
    child: () => log,
  };
  return log;
}
