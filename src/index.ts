/** What `import … from 'interlock'` gives. */
import { createClient, type Client } from './client/client.js';
import { readClientTls, tlsFilesOf } from './client/tls.js';
import { installSubmitter } from './tasks/enqueue.js';

export * from './client/client.js';
export { InterlockError, MissingResource } from './core/errors.js';
export type { ErrorCode, FieldError } from './core/errors.js';
export type { Json, JsonObject } from './core/json.js';
export { SoftTimeLimit, TaskAborted } from './tasks/context.js';
export type { ProgressBar, ProgressOptions, TaskContext } from './tasks/context.js';
export { ChildFailed } from './tasks/child-task.js';
export type { ChildTask, ResultOptions, SpawnOptions } from './tasks/child-task.js';
export { currentTask, currentWorker } from './tasks/current.js';
export { defineTask } from './tasks/define-task.js';
export type { ResourceLike, RetryWish, SubmitOptions } from './core/submit-body.js';
export type { ErrorMatch, ResourceWish, ResultOf, StandardSchema, TaskDefinition } from './tasks/definition.js';
export { enqueueWithReservation } from './tasks/enqueue.js';
export { Progress } from './tasks/progress.js';
export { getUrl } from './tasks/resources.js';
export { runTask } from './tasks/run-task.js';
export type { RunTaskOptions } from './tasks/run-task.js';
export type { TaskOptions } from './tasks/task-options.js';
export { Fatal, RetryLater, Skip } from './tasks/verdicts.js';

let client: Client | undefined;

/** Of `INTERLOCK_URL`, `INTERLOCK_TOKEN` and the files of TLS, made when it is first needed. */
function clientOfEnvironment(): Client {
  if (client) return client;
  const { INTERLOCK_URL: url, INTERLOCK_TOKEN: token } = process.env;
  const tls = readClientTls(tlsFilesOf(process.env));
  return (client = createClient({ ...(url && { url }), ...(token && { token }), ...(tls && { tls }) }));
}

installSubmitter(body => clientOfEnvironment().submit(body));

/** Asks a task to end, as a client's `cancel` does. Throws MissingResource for an unknown id, TASK_FINAL for one that has ended. */
export async function cancel(id: string): Promise<void> {
  await clientOfEnvironment().cancel(id);
}
