import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Json, JsonObject } from '../core/json.js';
import { silentLog, type Log } from '../process/log.js';
import { callHandler } from './body.js';
import type { Submitter } from './current.js';
import type { TaskDefinition } from './definition.js';
import { checkInput } from './input.js';
import { Progress } from './progress.js';
import { resourcesOf } from './resources.js';
import { encodeResult } from './result.js';
import { createContext, type TaskFacts } from './run-context.js';

export interface RunTaskOptions {
  signal?: AbortSignal;
  attempt?: number;
  worker?: string;
  log?: Log;
  /** Takes what the task spawns. Default: throws. */
  submit?: Submitter;
  service?: (name: string, input: JsonObject) => Promise<Json>;
  /** Receives what the task reports, and keeps it for the test to look at. */
  progress?: Progress;
}

/**
 * Runs a task in this process, without servers: for unit tests. Input is checked as it would be, the result passes through JSON.
 * Resolves with the result, rejects with what the handler throws.
 */
export async function runTask<Input, Result>(
  definition: TaskDefinition<Input, Result>,
  input: NoInfer<Input>,
  options: RunTaskOptions = {},
): Promise<Result> {
  const checked = await checkInput(definition, [], JSON.parse(JSON.stringify(input)) as JsonObject);
  const facts: TaskFacts = {
    id: randomUUID(),
    name: definition.name,
    args: checked.args,
    kwargs: checked.kwargs,
    attempt: options.attempt ?? 1,
    worker: options.worker ?? 'runTask',
    correlationId: randomUUID(),
    fence: options.attempt ?? 1,
    ...resourcesOf(definition, checked.input, {}),
  };
  const submit = options.submit ?? refuse('spawn other tasks');
  let folder: Promise<string> | undefined;
  const context = createContext(facts, {
    progress: options.progress ?? new Progress(() => undefined),
    signal: options.signal ?? new AbortController().signal,
    log: options.log ?? silentLog,
    submit,
    service: options.service ?? refuse('call services'),
    directory: () => (folder ??= mkdtemp(path.join(tmpdir(), 'interlock-task-'))),
  });
  try {
    const encoded = encodeResult(await callHandler(definition, checked, context, submit), Number.POSITIVE_INFINITY);
    if ('error' in encoded) throw new TypeError(encoded.error.message);
    return encoded.result as Result;
  } finally {
    if (folder) await rm(await folder, { recursive: true, force: true });
  }
}

function refuse(what: string): () => Promise<never> {
  return () => Promise.reject(new Error(`The task wants to ${what}, and runTask was given no way to.`));
}
