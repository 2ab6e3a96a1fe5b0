import { AsyncLocalStorage } from 'node:async_hooks';

import type { JsonObject } from '../core/json.js';
import type { TaskContext } from './context.js';

/** What a task may say of what it spawns, beside the submit body. */
export interface SpawnHow {
  /** It will wait for its end. */
  awaited?: true;
  /** It may use what its parent reserves. */
  underParent?: true;
  /** The version of its type, as the child process has it. */
  version?: number;
}

/** Takes a complete submit body; resolves once the record exists. Rejects with InterlockError. */
export type Submitter = (body: JsonObject, how?: SpawnHow) => Promise<{ id: string }>;

interface Running {
  context: TaskContext;
  submit: Submitter;
}

const running = new AsyncLocalStorage<Running>();

/** Runs a body so that everything it calls, however deep or late, sees `context` as its current task and submits by `submit`. */
export function runAs<T>(context: TaskContext, submit: Submitter, body: () => T): T {
  return running.run({ context, submit }, body);
}

/** The task that the calling code runs in. Throws Error outside one. */
export function currentTask(): TaskContext {
  const here = running.getStore();
  if (!here)
    throw new Error('currentTask() has an answer only in code that a worker (or runTask) runs; this code runs outside a task.');
  return here.context;
}

/** The context of the task that the calling code runs in, or once ran in: timers and promises keep it. Undefined outside one. */
export function contextHere(): TaskContext | undefined {
  return running.getStore()?.context;
}

/** The name of the worker that runs the calling code. Throws Error outside a task. */
export function currentWorker(): string {
  return currentTask().worker;
}

/** How the task that the calling code runs in submits others; undefined outside one. */
export function submitterOfTask(): Submitter | undefined {
  return running.getStore()?.submit;
}
