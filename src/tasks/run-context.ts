import type { Json, JsonObject } from '../core/json.js';
import type { Log } from '../process/log.js';
import type { TaskContext } from './context.js';
import type { Submitter } from './current.js';
import type { Progress } from './progress.js';
import { submitBody } from './submit-options.js';

/** What the context tells of its task; plain data, as it is sent to a child. */
export interface TaskFacts {
  id: string;
  name: string;
  args: Json[];
  kwargs: JsonObject;
  attempt: number;
  worker: string;
  correlationId: string;
  /** `core/task.ts` fenceOf; null without a grant. */
  fence: number | null;
  exclusive: string[];
  shared: string[];
}

/** What the context needs from where it runs: a child process, or a test. Nothing is asked for before the body does. */
export interface TaskHost {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly log: Log;
  submit: Submitter;
  service(name: string, input: JsonObject): Promise<Json>;
  directory(): Promise<string>;
}

/** The service by which a body asks for them; plugins' services have names of their own. */
export const DEPENDENCIES = 'interlock.dependencies';

export function createContext(facts: TaskFacts, host: TaskHost): TaskContext {
  const { id, name, attempt, worker, correlationId } = facts;
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
      const { fence, exclusive, shared } = facts;
      if (fence !== null && (exclusive.includes(reserved) || shared.includes(reserved))) return fence;
      throw new Error(`The task ${id} does not reserve "${resource}", so there is no fence for it.`);
    },
    spawn: async (definition, input, options) =>
      host.submit({ ...submitBody(definition.name, { kwargs: input }, options), parent: id }),
    dependencies: async () =>
      (await host.service(DEPENDENCIES, {})) as unknown as Awaited<ReturnType<TaskContext['dependencies']>>,
    service: (service, input) => host.service(service, input),
    directory: () => host.directory(),
  };
}
