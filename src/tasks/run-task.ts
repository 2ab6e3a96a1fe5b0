import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

import type { Json, JsonObject } from '../core/json.js';
import { canonicalResources } from '../core/canonical-resources.js';
import { silentLog, type Log } from '../process/log.js';
import { callHandler, errorOf } from './body.js';
import type { ChildOutcome } from './child-task.js';
import type { Dependency } from './context.js';
import type { Submitter } from './current.js';
import { isDefinition, type AnyFunction, type ResourceWish, type TaskDefinition } from './definition.js';
import { checkInput, type CheckedInput } from './input.js';
import { Progress } from './progress.js';
import { resourcesOf } from './resources.js';
import { encodeResult } from './result.js';
import { createContext, DEPENDENCIES, type TaskFacts, type TaskHost } from './run-context.js';

export interface RunTaskOptions {
  /** `ctx.signal`. Aborted with a TaskAborted or a SoftTimeLimit as its reason it is what a worker would give. */
  signal?: AbortSignal;
  attempt?: number;
  worker?: string;
  log?: Log;
  id?: string;
  correlationId?: string;
  /** What `ctx.fence` gives for each reserved resource; that of a first grant unless given. */
  fence?: number;
  /** Reserved beside what the type computes from its input. */
  exclusive?: ResourceWish['exclusive'];
  shared?: ResourceWish['shared'];
  /** Takes the submit bodies of what the task spawns; each is answered with a new id. */
  spawned?: JsonObject[];
  /** Takes what the task spawns, instead of `spawned`. Without either and without `children`, spawning rejects. */
  submit?: Submitter;
  /** What `ctx.dependencies()` gives: completed unless they say otherwise. */
  dependencies?: Readonly<Record<string, Partial<Dependency>>>;
  /**
   * Stands for what the task spawns: what it returns, or resolves with, is the result of that child; where it throws, the child has failed with that. Asked
   * once for each child, when its result is first awaited.
   */
  children?: (name: string, input: JsonObject) => unknown;
  service?: (name: string, input: JsonObject) => Promise<Json>;
  /** Receives what the task reports, and keeps it for the test to look at. */
  progress?: Progress;
}

/** That of a deployment which sets no other. */
const RESULT_LIMIT_BYTES = 1_048_576;

/**
 * Runs a task in this process, without servers: for unit tests. Input is checked as it would be, the result passes through JSON. Nothing else happens
 * around it: it is not tried again, no limit ends it, and `ctx.sleep` takes no time; for these there is `createLab` of `interlock/testing`.
 * Resolves with the result, rejects with what the handler throws; with InterlockError (VALIDATION_FAILED) for a bad input, and TypeError with the `code`
 * RESULT_NOT_JSON or RESULT_TOO_LARGE for a result that could not be stored.
 */
export function runTask<Input, Result>(
  definition: TaskDefinition<Input, Result>,
  input: NoInfer<Input>,
  options?: RunTaskOptions,
): Promise<Result>;
/** A plain function with its arguments. */
export function runTask<Args extends unknown[], Result>(
  task: (...args: Args) => Promise<Result> | Result,
  args: NoInfer<Args>,
  options?: RunTaskOptions,
): Promise<Result>;
export async function runTask(
  task: TaskDefinition | AnyFunction,
  input: unknown,
  options: RunTaskOptions = {},
): Promise<unknown> {
  const definition = isDefinition(task) ? task : plain(task);
  const given = JSON.parse(JSON.stringify(input)) as Json;
  const checked = await checkInput(
    definition,
    definition.plain ? (given as Json[]) : [],
    definition.plain ? {} : (given as JsonObject),
  );
  const facts = factsOf(definition, checked, options);
  let folder: Promise<string> | undefined;
  const { signal = new AbortController().signal } = options;
  const { submit, outcomeOf } = stagedChildren(options);
  const context = createContext(facts, {
    progress: options.progress ?? new Progress(() => undefined),
    signal,
    log: options.log ?? silentLog,
    submit,
    outcomeOf,
    service: (name, asked) => serve(name, asked, options),
    directory: () => (folder ??= mkdtemp(path.join(tmpdir(), 'interlock-task-'))),
    sleep: () => turn(),
  });
  try {
    const encoded = encodeResult(await callHandler(definition, checked, context, submit), RESULT_LIMIT_BYTES);
    if ('error' in encoded) throw Object.assign(new TypeError(encoded.error.message), { code: encoded.error.code });
    return encoded.result;
  } finally {
    if (folder) await rm(await folder, { recursive: true, force: true });
  }
}

function plain(task: AnyFunction): TaskDefinition {
  if (typeof task !== 'function') throw new TypeError(`runTask: a task is a definition or a function, not ${typeof task}.`);
  return { kind: 'interlock.task', name: task.name || 'function', plain: true, handler: task };
}

function factsOf(definition: TaskDefinition, { args, kwargs, input }: CheckedInput, options: RunTaskOptions): TaskFacts {
  const { attempt = 1, exclusive, shared } = options;
  const reserved = canonicalResources(resourcesOf(definition, input, { exclusive, shared }));
  return {
    id: options.id ?? randomUUID(),
    name: definition.name,
    args,
    kwargs,
    attempt,
    worker: options.worker ?? 'runTask',
    correlationId: options.correlationId ?? randomUUID(),
    fence: options.fence ?? attempt,
    ...reserved,
  };
}

/** How the task spawns, and how those end that it has spawned. */
function stagedChildren({ submit, spawned, children }: RunTaskOptions): Pick<TaskHost, 'submit' | 'outcomeOf'> {
  const known = new Map<string, { name: string; input: JsonObject; outcome?: Promise<ChildOutcome> }>();
  return {
    submit: async (body, how) => {
      if (!submit && !spawned && !children) return refuse('spawn other tasks', '`spawned: []` takes them')();
      spawned?.push(body);
      const { id } = submit ? await submit(body, how) : { id: randomUUID() };
      known.set(id, { name: body.name as string, input: (body.kwargs ?? {}) as JsonObject });
      return { id };
    },
    outcomeOf: (id, signal) => {
      if (!children) return refuse('await other tasks', '`children` stands for them')();
      const child = known.get(id);
      if (!child) return Promise.reject(new Error(`The task awaits ${id}, which it has not spawned.`));
      child.outcome ??= outcomeOfChild(id, child.name, () => children(child.name, child.input));
      return unlessAborted(child.outcome, signal);
    },
  };
}

async function outcomeOfChild(id: string, name: string, run: () => unknown): Promise<ChildOutcome> {
  try {
    const encoded = encodeResult(await run(), Number.POSITIVE_INFINITY);
    if ('error' in encoded) throw new TypeError(encoded.error.message);
    return { id, name, state: 'completed', result: encoded.result };
  } catch (error) {
    return { id, name, state: 'failed', error: errorOf(error) };
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener('abort', abort);
    void promise.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abort));
  });
}

function serve(name: string, input: JsonObject, { service, dependencies = {} }: RunTaskOptions): Promise<Json> {
  if (name !== DEPENDENCIES) return (service ?? refuse(`call the service "${name}"`, '`service` answers'))(name, input);
  const told = Object.entries(dependencies).map(([node, each]) => [node, { id: randomUUID(), state: 'completed', ...each }]);
  return Promise.resolve(JSON.parse(JSON.stringify(Object.fromEntries(told))) as Json);
}

function refuse(what: string, way: string): () => Promise<never> {
  return () => Promise.reject(new Error(`The task wants to ${what}, and runTask was given no way to: ${way}.`));
}
