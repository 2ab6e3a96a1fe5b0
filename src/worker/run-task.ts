import type { Json, JsonObject } from '../core/json.js';
import { outcomeOfFailure, outcomeOfLoss, outcomeOfShutdown, type Outcome } from '../core/outcome.js';
import { needsResources, type Task } from '../core/task.js';
import type { Dependents } from '../dispatch/dependents.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { TaskStore } from '../store/store.js';
import type { LastExits } from './last-exits.js';
import type { OwnTasks } from './own-tasks.js';
import type { Pool } from './pool.js';
import type { Recorder } from './recorder.js';
import { Reporter } from './reporter.js';

/** One start that is ours: the record as it was claimed, and the token of this start. */
export interface Claimed {
  task: Task;
  token: string;
  incarnation: string;
}

export interface RunDeps {
  pool: Pool;
  own: OwnTasks;
  recorder: Recorder;
  exits: LastExits;
  tasks: Pick<TaskStore, 'report'>;
  hints: Hints;
  dependents: Pick<Dependents, 'ended'>;
  /** In [0, 1), for the jitter of retries. */
  random: () => number;
  log: Log;
  /** Submits what a task body spawns, as a child of that task. */
  spawn: (body: JsonObject, parent: Task) => Promise<{ id: string }>;
  service: (name: string, input: JsonObject, task: Task) => Promise<Json>;
}

/** Neither rejects. */
export interface Run {
  /** Nothing of the body is running any more: its slot is free. */
  ended: Promise<void>;
  /** Its end is written, or void. */
  recorded: Promise<void>;
}

/** The life of one start, as a line of verbs. */
export function runTask(claimed: Claimed, deps: RunDeps): Run {
  const { id, correlationId, attempt } = claimed.task;
  const scoped = { ...deps, log: deps.log.child({ taskId: id, correlationId, attempt }) };
  const reporter = begin(claimed, scoped);
  const execution = execute(claimed, scoped, reporter);
  return { ended: execution.then(() => undefined), recorded: conclude(execution, claimed, scoped, reporter) };
}

async function conclude(execution: Promise<Outcome>, claimed: Claimed, deps: RunDeps, reporter: Reporter): Promise<void> {
  const outcome = classify(await execution, claimed, deps);
  await reporter.flush();
  const recorded = await record(claimed, outcome, deps);
  release(claimed, outcome, recorded, deps);
}

function begin({ task, token }: Claimed, { own, tasks, log }: RunDeps): Reporter {
  own.begin(task);
  log.info(`Task ${task.id.slice(0, 8)} (${task.name}) starts.`);
  return new Reporter(tasks, { id: task.id, token }, log);
}

/** When this resolves, nothing of the body is running any more. */
function execute({ task, token }: Claimed, { pool, spawn, service }: RunDeps, reporter: Reporter): Promise<Outcome> {
  return pool.run(
    { task, token },
    {
      report: (progress, createdResources) => reporter.report(progress, createdResources),
      spawn: body => spawn(body, task),
      service: (name, input) => service(name, input, task),
    },
  );
}

/** A start that failed, or was cut off by no fault of its own, may be allowed another one. */
function classify(outcome: Outcome, { task, token, incarnation }: Claimed, { exits, random }: RunDeps): Outcome {
  if (outcome.kind === 'failed') return outcomeOfFailure(task, outcome, random);
  if (outcome.kind !== 'canceled') return outcome;
  const { reason, exit } = outcome;
  if (reason === 'worker-shutdown') return outcomeOfShutdown(task, exit);
  if (reason !== 'worker-lost') return outcome;
  if (exit) exits.note(incarnation, token, exit);
  return outcomeOfLoss(task, exit);
}

function record({ task, token, incarnation }: Claimed, outcome: Outcome, { recorder }: RunDeps): Promise<Outcome | undefined> {
  return recorder.record({ id: task.id, token, outcome }, incarnation);
}

/** The write that ended the task has freed its resources; what is left is to say so. */
function release({ task, token }: Claimed, outcome: Outcome, recorded: Outcome | undefined, deps: RunDeps): void {
  const { own, exits, hints, dependents, log } = deps;
  own.forget(task.id, token);
  if (!recorded) {
    log.warn(
      `Task ${task.id.slice(0, 8)} (${task.name}) was ended by somebody else meanwhile; its outcome (${outcome.kind}) is dropped.`,
    );
    return;
  }
  exits.forget(token);
  log.info(`Task ${task.id.slice(0, 8)} (${task.name}) is ${recorded.kind}.`, detailsOf(recorded));
  if (task.group !== undefined && isEnd(recorded)) dependents.ended([task.id]);
  if (recorded.kind === 'requeued') hints.start(task);
  else if (needsResources(task) && !(recorded.kind === 'retried' && recorded.hold)) hints.changed([task.id]);
}

/** Whether others may come after it now. */
function isEnd({ kind }: Outcome): boolean {
  return kind !== 'requeued' && kind !== 'retried';
}

function detailsOf(outcome: Outcome): Record<string, unknown> {
  if (outcome.kind === 'failed') return { code: outcome.error.code };
  return outcome.kind === 'retried' ? { code: outcome.error.code, delayMs: outcome.delayMs } : {};
}
