import { workflowBody, type Flow, type Step } from '../client/flow.js';
import { InterlockError, invalid, type FieldError } from '../core/errors.js';
import type { Json, JsonObject } from '../core/json.js';
import type { Schedule } from '../core/schedule.js';
import type { SubmitBody, SubmitOptions } from '../core/submit-body.js';
import type { NewTask, Task } from '../core/task.js';
import { Acceptor } from '../dispatch/accept.js';
import { SCHEDULE_BODY } from '../dispatch/schedule-schema.js';
import { scheduleOf, type ScheduleBody } from '../dispatch/scheduling.js';
import { schemaCheck, validationFailed } from '../dispatch/schema-check.js';
import { familyOf, idIn, prepare, type Origin, type SubmissionDeps } from '../dispatch/submission.js';
import type { TypeCatalogue } from '../dispatch/type-catalogue.js';
import { checkGraph, linked, type NodeWish } from '../dispatch/workflow.js';
import { WORKFLOW_BODY } from '../dispatch/workflow-schema.js';
import type { TaskGroup } from '../store/store.js';
import type { TaskDefinition } from '../tasks/definition.js';
import { submitBody } from '../tasks/submit-options.js';
import type { RunDeps } from '../worker/run-task.js';
import type { LabParts } from './parts.js';

/** Options of the submit body. */
export interface LabSubmitOptions extends SubmitOptions {
  args?: readonly Json[];
  /** Id of the task on whose behalf it is submitted. */
  parent?: string;
  /** The same key and body give the same task; as the header `Idempotency-Key`. */
  idempotencyKey?: string;
}

/** What of a lab is needed to take tasks in. */
export type SubmittingParts = Pick<LabParts, 'store' | 'runtime' | 'hints' | 'events'> & { types: TypeCatalogue };

const PRINCIPAL = 'lab';

const errorsInWorkflow = schemaCheck(WORKFLOW_BODY);
const errorsInSchedule = schemaCheck(SCHEDULE_BODY);

/** Takes tasks in as the API does: checked, numbered, stored. */
export class Submitting {
  readonly #parts: SubmittingParts;
  readonly #acceptor: Acceptor;

  constructor(parts: SubmittingParts) {
    this.#parts = parts;
    this.#acceptor = new Acceptor({ tasks: parts.store.tasks, hints: parts.hints, events: parts.events });
  }

  /** Throws VALIDATION_FAILED, UNKNOWN_TASK_TYPE, CONFLICT, IDEMPOTENCY_KEY_REUSED. */
  async one(what: TaskDefinition | string, kwargs: unknown, options: LabSubmitOptions): Promise<Task> {
    const { idempotencyKey, args, ...rest } = options;
    const body = bodyOf(what, { args, kwargs }, rest);
    const task = await this.#prepared(body, { ...(idempotencyKey !== undefined && { idempotencyKey }) });
    return (await this.#acceptor.accept(task)).task;
  }

  /** What a task spawns; its type was asked already. */
  async child(body: JsonObject, parent: Task, { under, version }: Parameters<RunDeps['spawn']>[2]): Promise<{ id: string }> {
    const { correlationId } = parent;
    const origin = { principal: `task ${parent.id}`, correlationId, parent: familyOf(parent), under, version };
    return (await this.#acceptor.accept(await prepare(body, origin, this.#deps(undefined)))).task;
  }

  async slot(body: JsonObject, schedule: { id: string; slot: Date }): Promise<{ id: string }> {
    const { runtime, types } = this.#parts;
    const origin = { principal: 'schedule', correlationId: runtime.random.id(), schedule };
    return (await this.#acceptor.accept(await prepare(body, origin, this.#deps(types)))).task;
  }

  /** All of them, or none. Throws as `one` does, with pointers that begin `/tasks/<name>`. */
  async workflow(flow: Flow, name: string | undefined): Promise<{ group: TaskGroup; members: Record<string, Task> }> {
    const body = { ...workflowBody(flow, bodyOfStep), ...(name !== undefined && { name }) };
    const errors = errorsInWorkflow(body);
    if (errors.length > 0) throw validationFailed(errors);
    const nodes = new Map(Object.entries(body.tasks as Record<string, JsonObject & NodeWish>));
    checkGraph(nodes);
    const named = new Map<string, NewTask>();
    for (const [node, wish] of nodes) {
      const submit = without(wish, 'after', 'join');
      named.set(node, await this.#prepared(submit, {}).catch((error: unknown) => refuse(error, `/tasks/${node}`)));
    }
    const id = this.#parts.runtime.random.id();
    const group = await this.#parts.store.groups.create({ id, name: name ?? id, kind: 'workflow', correlationId: id });
    const { tasks } = await this.#acceptor.acceptAll(linked(named, nodes, id));
    return { group, members: Object.fromEntries(tasks.map(task => [task.node ?? '', task])) };
  }

  /** Throws VALIDATION_FAILED, UNKNOWN_TASK_TYPE, CONFLICT for a name that is taken. */
  async schedule(wish: ScheduleWish): Promise<Schedule> {
    const { store, types } = this.#parts;
    const { task } = wish;
    const body = { ...wish, task: 'kind' in task ? bodyOfStep(task) : task };
    const errors = errorsInSchedule(body);
    if (errors.length > 0) throw validationFailed(errors);
    const stored = await store.schedules.create(await scheduleOf(body as ScheduleBody, PRINCIPAL, this.#deps(types)));
    if (!stored) throw new InterlockError('CONFLICT', `There is a schedule called "${wish.name}" already.`);
    return stored;
  }

  async #prepared(body: JsonObject, more: Partial<Origin>): Promise<NewTask> {
    const { store, runtime, types } = this.#parts;
    const [parentId, groupId] = [idIn(body, 'parent'), idIn(body, 'group')];
    const parent = parentId === undefined ? undefined : await store.tasks.get(parentId);
    if (groupId !== undefined && !(await store.groups.get(groupId)))
      throw invalid('/group', 'is not the id of a group', 'missing_resource');
    const origin = { principal: PRINCIPAL, correlationId: runtime.random.id(), parent: parent && familyOf(parent), ...more };
    return prepare(body, origin, this.#deps(types));
  }

  #deps(types: TypeCatalogue | undefined): SubmissionDeps {
    const { store, runtime } = this.#parts;
    const { clock, random } = runtime;
    return {
      types,
      unitsOf: names => store.capacities.of(names),
      now: () => clock.wall(),
      newId: () => random.id(),
      hash: text => text,
    };
  }
}

/** A schedule to be. */
export interface ScheduleWish extends Omit<ScheduleBody, 'task'> {
  /** What each slot submits: a `step`, or a submit body. */
  task: Step | SubmitBody;
}

function bodyOfStep({ name, kwargs, options }: Step): JsonObject {
  return bodyOf(name, { args: options.args, kwargs }, without(options, 'as', 'join', 'args'));
}

function bodyOf(
  what: TaskDefinition | string,
  input: { args: readonly Json[] | undefined; kwargs: unknown },
  options: SubmitOptions,
): JsonObject {
  const { args, kwargs } = input;
  return submitBody(typeof what === 'string' ? what : what.name, { ...(args && { args }), kwargs }, options);
}

function refuse(error: unknown, pointer: string): never {
  if (!(error instanceof InterlockError)) throw error;
  const errors = error.errors.map((each): FieldError => ({ ...each, pointer: `${pointer}${each.pointer}` }));
  throw new InterlockError(error.code, `${pointer}: ${error.message}`, { errors });
}

function without<T extends object, K extends keyof T & string>(whole: T, ...fields: K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(whole).filter(([name]) => !fields.includes(name as K))) as Omit<T, K>;
}
