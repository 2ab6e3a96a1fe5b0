import { InterlockError, invalid } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import { omit } from '../core/omit.js';
import { rescheduled, type Misfire, type NewSchedule, type Overlap, type Schedule } from '../core/schedule.js';
import { slotAfter } from '../core/schedule-rule.js';
import type { SubmitBody } from '../core/submit-body.js';
import type { NewTask } from '../core/task.js';
import { secondsOf } from './moment.js';
import { RULE_FIELDS, ruleOf, type RuleWish } from './schedule-rules.js';
import { prepare, type SubmissionDeps } from './submission.js';

/** What is sent to make a schedule: `POST /schedules`. */
export interface ScheduleBody extends RuleWish {
  name: string;
  task: SubmitBody;
  misfire?: Misfire;
  overlap?: Overlap;
  failureThreshold?: number;
  remainingRuns?: number;
}

/** What is sent to change one: what is not given stays. */
export interface ScheduleChange extends RuleWish {
  name?: string;
  task?: SubmitBody;
  misfire?: Misfire;
  overlap?: Overlap;
  failureThreshold?: number | null;
  remainingRuns?: number | null;
}

/**
 * The record that a body which its schema has passed asks for. An interval without an anchor has its first slot now: it is due with the next look of
 * the beat. Throws VALIDATION_FAILED, UNKNOWN_TASK_TYPE.
 */
export async function scheduleOf(body: ScheduleBody, principal: string, deps: SubmissionDeps): Promise<NewSchedule> {
  const { name, task, misfire = 'one', overlap = 'allow', failureThreshold, remainingRuns } = body;
  const now = deps.now();
  const rule = ruleOf(body, now);
  refuseContradiction(misfire, overlap);
  await checkTask(task, principal, deps);
  const atOnce = body.interval !== undefined && body.anchor === undefined;
  const nextAt = atOnce ? now : slotAfter(rule, now);
  return {
    id: deps.newId(),
    name,
    task: task as unknown as JsonObject,
    rule,
    misfire,
    overlap,
    ...(failureThreshold !== undefined && { failureThreshold }),
    ...(remainingRuns !== undefined && { remainingRuns }),
    ...(nextAt && { nextAt }),
    skipped: 0,
    countedFrom: new Date(0),
    revision: 1,
    version: 0,
  };
}

/** The record after this change. Its next slot is found anew where that may have changed, and never lies in the past. Throws as `scheduleOf`. */
export async function changedSchedule(
  schedule: Schedule,
  change: ScheduleChange,
  principal: string,
  deps: SubmissionDeps,
): Promise<Schedule> {
  const now = deps.now();
  const { failureThreshold = schedule.failureThreshold, remainingRuns = schedule.remainingRuns } = change;
  const { misfire = schedule.misfire, overlap = schedule.overlap } = change;
  refuseContradiction(misfire, overlap);
  if (change.task) await checkTask(change.task, principal, deps);
  const anew = RULE_FIELDS.some(field => change[field] !== undefined);
  const changed: Schedule = {
    ...omit(schedule, 'failureThreshold', 'remainingRuns'),
    name: change.name ?? schedule.name,
    task: (change.task as JsonObject | undefined) ?? schedule.task,
    rule: anew ? ruleOf(inherited(schedule, change), now) : schedule.rule,
    misfire,
    overlap,
    ...(typeof failureThreshold === 'number' && { failureThreshold }),
    ...(typeof remainingRuns === 'number' && { remainingRuns }),
    countedFrom: change.failureThreshold === undefined ? schedule.countedFrom : now,
    revision: schedule.revision + 1,
  };
  const opened = change.remainingRuns !== undefined && !schedule.nextAt;
  return anew || opened || change.remainingRuns !== undefined ? rescheduled(changed, now) : changed;
}

/** Half of a rule is completed by the other half that stands: another zone, another anchor, another interval on the same grid. */
function inherited({ rule }: Schedule, change: ScheduleChange): RuleWish {
  const other = change.iso8601 !== undefined;
  if (rule.kind === 'cron' && !other && change.interval === undefined && change.anchor === undefined)
    return { cron: rule.cron, timezone: rule.timezone, ...onlyRule(change) };
  if (rule.kind === 'interval' && !other && change.cron === undefined && change.timezone === undefined)
    return { interval: rule.intervalMs / 1_000, anchor: rule.anchor.toISOString(), ...onlyRule(change) };
  return onlyRule(change);
}

function onlyRule(change: ScheduleChange): RuleWish {
  return Object.fromEntries(RULE_FIELDS.flatMap(field => (change[field] === undefined ? [] : [[field, change[field]]])));
}

/** `all` makes up for slots side by side, which is what the others forbid. */
function refuseContradiction(misfire: Misfire, overlap: Overlap): void {
  if (misfire === 'all' && overlap !== 'allow')
    throw invalid(
      '/overlap',
      `"${overlap}" contradicts the misfire policy "all", which runs missed slots side by side`,
      'contradiction',
    );
}

/** What would be refused at every slot is refused now. */
async function checkTask(task: SubmitBody, principal: string, deps: SubmissionDeps): Promise<void> {
  if (task.eta !== undefined)
    throw invalid('/task/eta', 'a schedule gives the times itself: use countdown for a delay after each', 'not_allowed');
  for (const field of ['countdown', 'expires'] as const) {
    if (task[field] !== undefined) secondsOf(task[field], `/task/${field}`);
  }
  try {
    await prepare(task, { principal, correlationId: '' }, deps);
  } catch (error) {
    if (!(error instanceof InterlockError)) throw error;
    const errors = error.errors.map(each => ({ ...each, pointer: `/task${each.pointer}` }));
    throw new InterlockError(error.code, `The task of the schedule is refused: ${error.message}`, { errors });
  }
}

/** What every task of this schedule reserves. Throws as `prepare` does. */
export function taskOf({ task }: Schedule, deps: SubmissionDeps): Promise<Pick<NewTask, 'exclusive' | 'shared' | 'counted'>> {
  return prepare(task, { principal: 'schedule', correlationId: '' }, deps);
}
