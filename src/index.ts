/** What `import … from 'interlock'` gives. */
export { InterlockError, MissingResource } from './core/errors.js';
export type { ErrorCode, FieldError } from './core/errors.js';
export type { Json, JsonObject } from './core/json.js';
export { TaskCanceled } from './tasks/context.js';
export type { ProgressBar, ProgressOptions, TaskContext } from './tasks/context.js';
export { currentTask, currentWorker } from './tasks/current.js';
export { defineTask } from './tasks/define-task.js';
export type { ResourceLike, ResourceWish, ResultOf, StandardSchema, TaskDefinition } from './tasks/definition.js';
export { enqueueWithReservation } from './tasks/enqueue.js';
export { Progress } from './tasks/progress.js';
export { getUrl } from './tasks/resources.js';
export { runTask } from './tasks/run-task.js';
export type { RunTaskOptions } from './tasks/run-task.js';
export type { SubmitOptions } from './tasks/submit-options.js';
export type { TaskOptions } from './tasks/task-options.js';
