import type { Flow } from '../client/flow.js';
import { MissingResource } from '../core/errors.js';
import { explain, type Explanation } from '../core/explain.js';
import type { Json, JsonObject } from '../core/json.js';
import { FINAL_STATES, type State } from '../core/state.js';
import { viewOf, type TaskView } from '../core/task-view.js';
import { dependenciesOf } from '../dispatch/dependencies.js';
import { readLines, readRate } from '../dispatch/lines.js';
import type { TaskDefinition } from '../tasks/definition.js';
import { DEPENDENCIES } from '../tasks/run-context.js';
import { durationMs } from './duration.js';
import { Engine } from './engine.js';
import { causeOf, LabError, told } from './errors.js';
import { partsOf, type LabOptions } from './parts-of.js';
import type { LabParts } from './parts.js';
import { Submitting, type LabSubmitOptions, type ScheduleWish } from './submitting.js';

/** A task, by its id or by whatever has it. */
export type TaskRef = string | { readonly id: string };

/** A workflow that was submitted: its tasks by the names of their steps. */
export interface LabWorkflow {
  readonly id: string;
  readonly members: Readonly<Record<string, TaskView>>;
}

/** What has become of a group, as `GET /task-groups/{id}` counts it. */
export interface GroupCounts {
  counts: Partial<Record<State, number>>;
  total: number;
  /** Members that have ended, in whatever way. */
  done: number;
}

/** A deployment of one worker in this process, on virtual time. Made by `createLab`. */
export class Lab {
  readonly #parts: LabParts;
  readonly #submitting: Submitting;
  readonly #engine: Engine;
  readonly #services: NonNullable<LabOptions['services']>;

  constructor(options: LabOptions) {
    const { services = {} } = options;
    const { types, ...parts } = partsOf(options, (body, slot) => this.#submitting.slot(body, slot));
    this.#parts = parts;
    this.#submitting = new Submitting({ ...parts, types });
    this.#services = services;
    this.#engine = new Engine(parts, {
      spawn: (body, parent, how) => this.#submitting.child(body, parent, how),
      service: (name, input, task) =>
        name === DEPENDENCIES ? dependenciesOf(parts.store.joins, task) : this.#service(name, input),
    });
  }

  /** Virtual time. */
  get now(): Date {
    return this.#parts.time.now;
  }

  /**
   * Stores a task as `POST /tasks` does; nothing runs before `settle` or `advance`. Resolves with the task, or with the one that its idempotency or
   * unique key has given before. Throws InterlockError: VALIDATION_FAILED, UNKNOWN_TASK_TYPE, CONFLICT, IDEMPOTENCY_KEY_REUSED.
   */
  submit<Input>(definition: TaskDefinition<Input>, input: NoInfer<Input>, options?: LabSubmitOptions): Promise<TaskView>;
  /** By name; a plain function takes `args` of the options. */
  submit(name: string, input?: JsonObject, options?: LabSubmitOptions): Promise<TaskView>;
  async submit(what: TaskDefinition | string, input?: unknown, options: LabSubmitOptions = {}): Promise<TaskView> {
    return viewOf(await this.#submitting.one(what, input, options));
  }

  /** Stores a workflow of `step`, `chain`, `group` and `chord`: all of its tasks, or none. Throws as `submit` does. */
  async run(flow: Flow, { name }: { name?: string } = {}): Promise<LabWorkflow> {
    const { group, members } = await this.#submitting.workflow(flow, name);
    return { id: group.id, members: Object.fromEntries(Object.entries(members).map(([node, task]) => [node, viewOf(task)])) };
  }

  /** Stores a schedule as `POST /schedules` does. Throws as `submit` does. */
  async schedule(wish: ScheduleWish): Promise<{ id: string; name: string; nextAt: string | null }> {
    const { id, name, nextAt } = await this.#submitting.schedule(wish);
    return { id, name, nextAt: nextAt?.toISOString() ?? null };
  }

  /** Lets everything happen that can happen without time passing. Throws LabError. */
  settle(): Promise<void> {
    return this.#engine.settle();
  }

  /**
   * Lets time pass: seconds, `"90s"`, `"1h 30m"`, `"2d"`, or an ISO 8601 duration. Whatever is due on the way happens at its very time. `beat: false`: no
   * beat lives meanwhile, so that delays end, tasks expire and slots are made up only at the end. Throws RangeError, LabError.
   */
  async advance(duration: number | string, { beat = true }: { beat?: boolean } = {}): Promise<void> {
    await this.#engine.advance(this.now.getTime() + durationMs(duration), beat);
  }

  /** The same up to a time. Throws RangeError for one that has passed. */
  async advanceTo(time: Date | string, options: { beat?: boolean } = {}): Promise<void> {
    const seconds = (new Date(time).getTime() - this.now.getTime()) / 1_000;
    if (!(seconds >= 0)) throw new RangeError(`${String(time)} is not to come: it is ${this.now.toISOString()} in the lab.`);
    await this.advance(seconds, options);
  }

  /** The task as `GET /tasks/{id}` shows it, as it is now. Throws MissingResource. */
  task(ref: TaskRef): TaskView {
    const id = idOf(ref);
    const view = this.#parts.view(id);
    if (!view) throw new MissingResource(`Task ${id}`);
    return view;
  }

  /** All of them, in the order in which they were submitted. */
  tasks(filter: { name?: string; state?: State; schedule?: string; parent?: string; group?: string } = {}): TaskView[] {
    const { name, state, schedule, parent, group } = filter;
    return this.#parts.db
      .allTasks()
      .filter(task => name === undefined || task.name === name)
      .filter(task => state === undefined || task.state === state)
      .filter(task => schedule === undefined || task.schedule?.id === schedule)
      .filter(task => parent === undefined || task.parent === parent)
      .filter(task => group === undefined || task.group === group)
      .map(task => structuredClone(viewOf(task)));
  }

  /** Members of a group by their states. Throws MissingResource. */
  async group({ id }: { readonly id: string }): Promise<GroupCounts> {
    const { groups } = this.#parts.store;
    if (!(await groups.get(id))) throw new MissingResource(`Group ${id}`);
    const counts = await groups.counts(id);
    const sum = (states: readonly State[]): number => states.reduce((total, state) => total + (counts[state] ?? 0), 0);
    return { counts, total: sum(Object.keys(counts) as State[]), done: sum(FINAL_STATES) };
  }

  /**
   * Settles, and gives what the task returned. Throws LabError if it has not completed; its message says what became of it, or what it waits for, its
   * `cause` is what the body threw.
   */
  async result<Result = Json>(ref: TaskRef): Promise<Result> {
    await this.settle();
    const task = this.task(ref);
    if (task.state === 'completed') return task.result as Result;
    const waits = task.state === 'waiting' ? ` ${(await this.explain(ref)).text}` : '';
    throw new LabError(`${told(task)}. It was expected to be completed.${waits}`, task, causeOf(task));
  }

  /** Why a task is where it is, as `GET /tasks/{id}/explain` tells it. Throws MissingResource. */
  async explain(ref: TaskRef): Promise<Explanation> {
    const { store, pool, worker, queues, time } = this.#parts;
    const task = await store.tasks.get(idOf(ref));
    if (!task) throw new MissingResource(`Task ${idOf(ref)}`);
    const before =
      task.waitingFor === 'dependencies' ? await store.joins.states((task.after ?? []).map(({ id }) => id)) : undefined;
    const workers = [{ name: worker, queues: queues(), dedicated: false, freeSlots: pool.slots - pool.busy }];
    const [lines, rate] = await Promise.all([readLines(store, task), readRate(store, task, task.seq)]);
    return explain({ task, lines, rate, workers, resourceManager: true, beat: true, before, now: time.now });
  }

  /** Cancels as `POST /tasks/{id}/cancel` does. Throws MissingResource, TASK_FINAL. */
  async cancel(ref: TaskRef, { tree = false }: { tree?: boolean } = {}): Promise<TaskView> {
    return viewOf(await this.#engine.cancel(idOf(ref), tree));
  }

  /** The worker is lost with all that it runs, and another one takes its place. */
  async loseWorker(): Promise<void> {
    await this.#parts.pool.killAll();
    await this.settle();
  }

  /** Ends what still runs. Nothing is left behind without it either: a lab has no timers. */
  async close(): Promise<void> {
    await this.#parts.pool.stop();
  }

  async #service(name: string, input: JsonObject): Promise<Json> {
    const service = Object.hasOwn(this.#services, name) ? this.#services[name] : undefined;
    if (!service) throw new MissingResource(`The service ${name}`);
    return service(input);
  }
}

function idOf(ref: TaskRef): string {
  return typeof ref === 'string' ? ref : ref.id;
}
