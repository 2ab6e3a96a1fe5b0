import { InterlockError } from '../core/errors.js';
import { changeOf } from '../core/event.js';
import type { CountUp } from '../core/counts.js';
import type { Json, JsonObject } from '../core/json.js';
import { outcomeOfFailure, outcomeOfLoss, outcomeOfShutdown, type Outcome } from '../core/outcome.js';
import { burstOf } from '../core/rate.js';
import { shortId } from '../core/short-id.js';
import { needsResources, type Lender, type Task } from '../core/task.js';
import type { Dependents } from '../dispatch/dependents.js';
import type { Events } from '../dispatch/events.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { TaskStore, WaitStore } from '../store/store.js';
import type { Awaits } from './awaiting/awaits.js';
import type { StartWaits } from './awaiting/start-waits.js';
import type { Claimed, Run } from './claimed.js';
import type { Familiarity } from './familiarity.js';
import { giveBack } from './give-back.js';
import type { LastExits } from './last-exits.js';
import type { LateOutcomes } from './late-outcomes.js';
import type { OwnTasks } from './own-tasks.js';
import type { Pool, RunOutcome } from './pool.js';
import type { Recorder } from './recorder.js';
import { Reporter } from './reporter.js';
import type { Place } from './slots.js';

export interface RunDeps {
  pool: Pool;
  own: OwnTasks;
  recorder: Recorder;
  awaits: Pick<Awaits, 'begin' | 'refuseCycle'>;
  late: Pick<LateOutcomes, 'keep'>;
  exits: LastExits;
  tasks: Pick<TaskStore, 'report' | 'giveBack'>;
  familiar: Pick<Familiarity, 'refused'>;
  waits: Pick<WaitStore, 'lend'>;
  hints: Hints;
  events: Pick<Events, 'changed' | 'reported' | 'look'>;
  dependents: Pick<Dependents, 'ended'>;
  /** In [0, 1), for the jitter of retries. */
  random: () => number;
  log: Log;
  /** Submits what a task body spawns, as a child of that task. */
  spawn: (
    body: JsonObject,
    parent: Task,
    how: { under?: Lender | undefined; version?: number | undefined },
  ) => Promise<{ id: string }>;
  service: (name: string, input: JsonObject, task: Task) => Promise<Json>;
  count?: CountUp | undefined;
  /** Called when a start begins; what it gives, when its end is recorded. */
  timed?: ((task: Task) => (end: Outcome['kind']) => void) | undefined;
}

/** The life of one start, as a line of verbs. */
export function runTask(claimed: Claimed, place: Place, deps: RunDeps): Run {
  const { id, correlationId, attempt } = claimed.task;
  const scoped = { ...deps, ran: deps.timed?.(claimed.task), log: deps.log.child({ taskId: id, correlationId, attempt }) };
  const reporter = begin(claimed, scoped);
  const execution = execute(claimed, scoped, { reporter, waits: scoped.awaits.begin(claimed, place) });
  return { ended: execution.then(() => undefined), recorded: conclude(execution, claimed, scoped, reporter) };
}

/** Those of one start. */
type Scoped = RunDeps & { ran?: ((end: Outcome['kind']) => void) | undefined };

async function conclude(execution: Promise<RunOutcome>, claimed: Claimed, deps: Scoped, reporter: Reporter): Promise<void> {
  const ended = await execution;
  if (ended.kind === 'unfamiliar') {
    deps.familiar.refused(claimed.task);
    await giveBack(claimed, deps);
    deps.events.look([claimed.task.id]);
    return;
  }
  const outcome = classify(ended, claimed, deps);
  await reporter.flush();
  const recorded = await record(claimed, outcome, deps);
  release(claimed, outcome, recorded, deps);
}

function begin({ task, token }: Claimed, { own, tasks, hints, events, log, count }: RunDeps): Reporter {
  count?.('starts');
  own.begin(task);
  events.changed(task);
  // The next turn under a slow limit counts from here. Of a faster one the resource manager asks once a second.
  if (task.rate && burstOf(task.rate) === 1) hints.changed([task.id]);
  log.info(`Task ${shortId(task.id)} (${task.name}) starts.`);
  return new Reporter(tasks, { id: task.id, token }, { log, told: progress => events.reported(task, progress) });
}

/** When this resolves, nothing of the body is running any more. */
async function execute(
  { task, token }: Claimed,
  deps: RunDeps,
  of: { reporter: Reporter; waits: StartWaits },
): Promise<RunOutcome> {
  const { pool, spawn, service, awaits, waits } = deps;
  const outcome = await pool.run(
    { task, token },
    {
      report: (progress, createdResources) => of.reporter.report(progress, createdResources),
      spawn: async (body, how) => {
        const under = how.underParent ? await lend({ task, token }, waits) : undefined;
        if (how.awaited) await awaits.refuseCycle(task, body, under);
        return spawn(body, task, { under, version: how.version });
      },
      outcomeOf: (id, left) => of.waits.outcomeOf(id, left),
      service: (name, input) => service(name, input, task),
    },
  );
  of.waits.close();
  return outcome;
}

/** The record says that it lends before anybody borrows. Throws CONFLICT where it may not, StoreError. */
async function lend({ task, token }: Pick<Claimed, 'task' | 'token'>, waits: Pick<WaitStore, 'lend'>): Promise<Lender> {
  const fence = task.grant && (await waits.lend(task.id, token));
  if (fence !== undefined) return { task: task.id, fence };
  const why = task.grant ? 'does not run any more, or is being cancelled' : 'reserves nothing';
  const detail = `task ${task.id} (${task.name}) ${why}, so nothing can run under its reservation`;
  throw new InterlockError('CONFLICT', `Not spawned: ${detail}.`, { errors: [{ pointer: '', detail, reason: 'no_lender' }] });
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
function release({ task, token }: Claimed, outcome: Outcome, recorded: Outcome | undefined, deps: Scoped): void {
  const { own, late, exits, hints, events, dependents, log, count, ran } = deps;
  own.forget(task.id, token);
  count?.(recorded?.kind ?? 'overruled');
  if (!recorded) {
    late.keep({ id: task.id, token }, outcome);
    log.warn(
      `Task ${shortId(task.id)} (${task.name}) was ended by somebody else meanwhile; its outcome (${outcome.kind}) does not count.`,
    );
    return;
  }
  exits.forget(token);
  ran?.(recorded.kind);
  log.info(`Task ${shortId(task.id)} (${task.name}) is ${recorded.kind}.`, detailsOf(recorded));
  const change = changeOf(recorded);
  if (change) events.changed(task, change);
  else events.look([task.id]);
  if (isEnd(recorded)) {
    hints.ended(task);
    if (task.group !== undefined) dependents.ended([task.id]);
  }
  if (recorded.kind === 'requeued') {
    hints.start(task);
    if (needsResources(task)) hints.changed([task.id]); // one that has lent its grant has given it back
  } else if (needsResources(task) && !(recorded.kind === 'retried' && recorded.hold)) hints.changed([task.id]);
}

/** Whether others may come after it now. */
function isEnd({ kind }: Outcome): boolean {
  return kind !== 'requeued' && kind !== 'retried';
}

function detailsOf(outcome: Outcome): Record<string, unknown> {
  if (outcome.kind === 'failed') return { code: outcome.error.code };
  return outcome.kind === 'retried' ? { code: outcome.error.code, delayMs: outcome.delayMs } : {};
}
