import type { ResourceLike, SubmitOptions } from '../core/submit-body.js';
import { submitterOfTask, type Submitter } from './current.js';
import { isDefinition, type AnyFunction, type ResourceWish, type TaskDefinition } from './definition.js';
import { Registry } from './registry.js';
import { submitBody } from './submit-options.js';

let outside: Submitter | undefined;
let registry: Promise<Registry> | undefined;

/** How code outside a task submits: `src/index.ts` installs the HTTP client. Inside a task the task's own way is used. */
export function installSubmitter(submitter: Submitter): void {
  outside = submitter;
}

/** Where functions are looked up. A process that installs none loads `INTERLOCK_TASK_MODULES` when it first needs them. */
export function installRegistry(loaded: Registry): void {
  registry = Promise.resolve(loaded);
}

/**
 * Submits a task that reserves `resources` (exclusively, unless a wish says otherwise); its record exists when this resolves.
 * `task` is an exported function of a loaded task module, a definition, or a name. Inside a task it goes through the worker and
 * names the current task as parent; elsewhere through the REST API.
 * Throws TypeError for a function that no loaded module exports and for what is no resource; otherwise InterlockError.
 */
// eslint-disable-next-line max-params -- the order that users of older tasking systems know
export async function enqueueWithReservation(
  task: AnyFunction | TaskDefinition | string,
  resources: readonly ResourceLike[] | ResourceWish,
  args: readonly unknown[] = [],
  kwargs: Readonly<Record<string, unknown>> = {},
  options: SubmitOptions = {},
): Promise<{ id: string }> {
  const name = await nameOfTask(task);
  const wish: ResourceWish = isList(resources) ? { exclusive: resources } : resources;
  const exclusive = [...(wish.exclusive ?? []), ...(options.exclusive ?? [])];
  const shared = [...(wish.shared ?? []), ...(options.shared ?? [])];
  const counted = { ...options.counted, ...wish.counted };
  const body = submitBody(name, { args, kwargs }, { ...options, exclusive, shared, counted });
  const submit = submitterOfTask() ?? outside;
  if (!submit) throw new Error('enqueueWithReservation has no way to submit: import it from "interlock".');
  return submit(body);
}

async function nameOfTask(task: unknown): Promise<string> {
  if (typeof task === 'string') return task;
  if (isDefinition(task)) return task.name;
  if (typeof task !== 'function') throw new TypeError(`A task is a function, a definition or a name, not ${typeof task}.`);
  const known = (await loadedRegistry()).resolve(task as AnyFunction);
  if (known) return known.name;
  throw new TypeError(
    `The function ${task.name || '(unnamed)'} is no task: no loaded task module exports it. Export it from a module that INTERLOCK_TASK_MODULES names.`,
  );
}

function loadedRegistry(): Promise<Registry> {
  registry ??= Registry.load(modulesOfEnvironment(), process.cwd()).catch((error: unknown) => {
    registry = undefined; // a file that is mended may be loaded by the next call
    throw error;
  });
  return registry;
}

function modulesOfEnvironment(): string[] {
  const names = (process.env.INTERLOCK_TASK_MODULES ?? '').split(',').map(name => name.trim());
  return names.filter(name => name !== '');
}

function isList(resources: readonly ResourceLike[] | ResourceWish): resources is readonly ResourceLike[] {
  return Array.isArray(resources);
}
