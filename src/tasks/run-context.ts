import type { Json, JsonObject } from '../core/json.js';
import { claimsOf, type Counted } from '../core/reservation.js';
import { covers } from '../core/subtree.js';
import type { Log } from '../process/log.js';
import type { TaskContext } from './context.js';
import { ChildTask, type OutcomeOf, type SpawnOptions } from './child-task.js';
import type { SpawnHow, Submitter } from './current.js';
import type { TaskDefinition } from './definition.js';
import type { Progress } from './progress.js';
import { submitBody } from './submit-options.js';

/** What the context tells of its task; plain data, as it is sent to a child. */
export interface TaskFacts {
  id: string;
  name: string;
  /** `core/task.ts`. */
  version?: number;
  args: Json[];
  kwargs: JsonObject;
  attempt: number;
  worker: string;
  correlationId: string;
  /** `core/task.ts` fenceOf; null without a grant. */
  fence: number | null;
  exclusive: string[];
  shared: string[];
  counted?: Counted[];
}

/** What the context needs from where it runs: a child process, or a test. Nothing is asked for before the body does. */
export interface TaskHost {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly log: Log;
  submit: Submitter;
  /** Of a task that this one has spawned. */
  outcomeOf: OutcomeOf;
  service(name: string, input: JsonObject): Promise<Json>;
  directory(): Promise<string>;
  /** Resolves after this time, or as soon as `signal` aborts. */
  sleep(ms: number): Promise<void>;
}

/** The service by which a body asks for them; plugins' services have names of their own. */
export const DEPENDENCIES = 'interlock.dependencies';

/** Timers of Node end here. */
const MAX_SLEEP_SECONDS = 2_147_483;

export function createContext(facts: TaskFacts, host: TaskHost): TaskContext {
  const { id, name, attempt, worker, correlationId } = facts;
  let lastFence = facts.fence;
  const outcomeOf: OutcomeOf = async (child, signal) => {
    const outcome = await host.outcomeOf(child, signal);
    // What this task writes from now on comes after what its child has written.
    if (outcome.fence !== undefined && lastFence !== null) lastFence = Math.max(lastFence, outcome.fence);
    return outcome;
  };
  const spawn = async <Input, Result>(
    definition: TaskDefinition<Input, Result>,
    input: Input,
    { underParent, ...options }: SpawnOptions = {},
    how: SpawnHow,
  ): Promise<ChildTask<Result>> => {
    const body = { ...submitBody(definition.name, { kwargs: input }, options), parent: id };
    const spawned = await host.submit(body, underParent ? { ...how, underParent } : how);
    return new ChildTask(spawned.id, outcomeOf);
  };
  return {
    id,
    name,
    attempt,
    worker,
    correlationId,
    get signal() {
      return host.signal;
    },
    get log() {
      return host.log;
    },
    progress: (code, options) => host.progress.open(code, options),
    createdResource: url => host.progress.create(url),
    fence(resource) {
      const reserved = resource.normalize('NFC');
      const isReserved = claimsOf(facts).some(claim => claim.resource === reserved || covers(claim.resource, reserved));
      if (lastFence !== null && isReserved) return lastFence;
      throw new Error(`The task ${id} does not reserve "${resource}", so there is no fence for it.`);
    },
    spawn: (definition, input, options) => spawn(definition, input, options, {}),
    call: async (definition, input, { signal, ...options } = {}) => {
      const child = await spawn(definition, input, options, { awaited: true });
      return child.result(signal ? { signal } : {});
    },
    dependencies: async () =>
      (await host.service(DEPENDENCIES, {})) as unknown as Awaited<ReturnType<TaskContext['dependencies']>>,
    service: (service, input) => host.service(service, input),
    directory: () => host.directory(),
    sleep: seconds => sleep(seconds, host),
  };
}

async function sleep(seconds: number, host: TaskHost): Promise<void> {
  if (!(seconds >= 0 && seconds <= MAX_SLEEP_SECONDS))
    throw new RangeError(`ctx.sleep: ${seconds} is no number of seconds from 0 to ${MAX_SLEEP_SECONDS}.`);
  host.signal.throwIfAborted();
  await host.sleep(seconds * 1_000);
  host.signal.throwIfAborted();
}
