import { checkHistory, type Finding, type Rule, type Submission } from '../../src/audit/history.js';
import { GPUS, TIMING_SCALE } from './cast.js';
import { untold } from './followers.js';
import { leaked } from './leaks.js';
import { ownFindings, labelOf } from './own-rules.js';
import type { Performance } from './perform.js';
import type { Plan } from './plan.js';
import { trends, type Trend } from './samples.js';

export interface Verdict {
  seed: number;
  minutes: number;
  timingScale: number;
  tasks: number;
  faults: number;
  lost: number;
  doubled: number;
  overlaps: number;
  fifoViolations: number;
  unexplained: number;
  unfinished: number;
  ok: boolean;
  /** The other rules of the checker: `illegal`, `fence`, … */
  others: Partial<Record<Rule, number>>;
  /** Why it is not ok, a sentence each. */
  reasons: string[];
  findings: Finding[];
  kinds: Record<string, number>;
  figures: Record<string, number | null>;
  trends: Trend[];
}

/** Of five minutes; a shorter run needs its part. */
const FAULTS_IN_FIVE = 40;
const TASKS_IN_FIVE = 1_000;
const KINDS = 10;
/** A self-fence, both graces, and a worker that is stopped meanwhile. */
const CANCEL_GRACE_MS = 30_000;

export function judge(plan: Plan, seen: Performance, hung: readonly string[]): Verdict {
  const findings = [...findingsOf(seen)];
  const count = (rule: Rule): number => findings.filter(finding => finding.rule === rule).length;
  const { storm, records } = seen;
  const reasons = [
    ...tooLittle(plan, seen),
    ...notAlive(seen, hung),
    ...notTold(seen),
    ...leaked(seen.leaks),
    ...byRule(findings),
  ];
  return {
    seed: plan.seed,
    minutes: plan.minutes,
    timingScale: TIMING_SCALE,
    tasks: records.tasks.length,
    faults: storm.count,
    lost: count('lost'),
    doubled: count('doubled'),
    overlaps: count('overlap'),
    fifoViolations: count('fifo'),
    unexplained: count('unexplained'),
    unfinished: count('unfinished'),
    ok: reasons.length === 0,
    others: othersOf(findings),
    reasons,
    findings: findings.slice(0, 100),
    kinds: Object.fromEntries([...storm.done].sort()),
    figures: figuresOf(seen),
    trends: trends(seen.samples.all),
  };
}

function* findingsOf({ records, clients, traces, drained, unexplained }: Performance): Generator<Finding> {
  const byLabel = new Map(records.tasks.map(task => [labelOf(task), task.id]));
  const submissions = clients.asked.flatMap(({ label, id, askedAt, answeredAt, outcome, delayed }): Submission[] => {
    const known = id ?? byLabel.get(label);
    const times = { askedAt: askedAt / 1_000, answeredAt: answeredAt / 1_000 };
    return known === undefined ? [] : [{ id: known, outcome, delayed, ...times }];
  });
  const cancels = clients.cancels.map(({ task, outcome, askedAt, answeredAt }) => ({
    ...{ id: task, outcome },
    ...{ askedAt: askedAt / 1_000, answeredAt: answeredAt / 1_000 },
  }));
  const told = { bodies: traces.spans, submissions, cancels, capacities: new Map([['gpu', GPUS]]) };
  yield* checkHistory({ ...records, ...told, drained: true, cancelGraceMs: CANCEL_GRACE_MS });
  yield* ownFindings({ tasks: records.tasks, asked: clients.asked, schedules: drained.schedules, refused: traces.refused });
  yield* unexplained;
}

function tooLittle({ minutes }: Plan, { storm, records }: Performance): string[] {
  const part = Math.min(1, minutes / 5);
  const reasons: string[] = [];
  const need = (what: string, is: number, atLeast: number): void => {
    if (is < atLeast) reasons.push(`Too little was tried: ${is} ${what}, at least ${atLeast} are needed.`);
  };
  need('faults', storm.count, Math.floor(FAULTS_IN_FIVE * part));
  need('kinds of faults', storm.done.size, Math.ceil(KINDS * Math.min(1, minutes)));
  need('tasks', records.tasks.length, Math.floor(TASKS_IN_FIVE * part));
  return reasons;
}

function notAlive({ drained }: Performance, hung: readonly string[]): string[] {
  const reasons = hung.map(name => `${name} did not end when it was asked to.`);
  if (drained.healthyMs === undefined) reasons.push('Not every process was back a minute after everything was healed.');
  return reasons;
}

/** Where a stream of events did not say that something may be missing, nothing is: at least no end. */
function notTold({ followers, records }: Performance): string[] {
  return followers.told.flatMap(told => {
    const missing = untold(records.tasks, told);
    return missing.length === 0
      ? []
      : [
          `A follower of events at ${told.api} (${told.events} events, ${told.resyncs} resyncs) was not told of ${missing.length} ends: ${missing.slice(0, 10).join(', ')}.`,
        ];
  });
}

function byRule(findings: readonly Finding[]): string[] {
  const counts = new Map<Rule, number>();
  for (const { rule } of findings) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return [...counts].map(([rule, count]) => `${rule}: ${count}`);
}

const OWN_FIELDS: readonly Rule[] = ['lost', 'doubled', 'overlap', 'fifo', 'unexplained', 'unfinished'];

function othersOf(findings: readonly Finding[]): Verdict['others'] {
  const others: Verdict['others'] = {};
  for (const { rule } of findings) if (!OWN_FIELDS.includes(rule)) others[rule] = (others[rule] ?? 0) + 1;
  return others;
}

function figuresOf({ storm, clients, traces, drained, records, followers, leaks }: Performance): Verdict['figures'] {
  const attempts = records.tasks.flatMap(task => task.attempts);
  const ended = (reason: string): number => attempts.filter(attempt => attempt.reason === reason).length;
  return {
    faultsNotPossible: storm.failed.length,
    requests: clients.figures.requests,
    unclearAnswers: clients.figures.unclear,
    submissionsNeverClear: clients.asked.filter(each => each.outcome === 'unknown').length,
    starts: attempts.length,
    bodies: traces.spans.length,
    startsLostWithTheirWorker: ended('worker-lost'),
    startsEndedByALimit: ended('timeout'),
    startsTriedAgain: attempts.filter(attempt => attempt.error).length,
    startsUnderARate: records.tasks.filter(task => task.rate).flatMap(task => task.attempts).length,
    tasksRunAgain: records.tasks.filter(task => task.attempts.length > 1).length,
    cancelsAsked: clients.cancels.length,
    cancelsAccepted: clients.cancels.filter(each => each.outcome === 'ok').length,
    workflows: new Set(records.tasks.flatMap(task => task.group ?? [])).size,
    membersSkipped: records.tasks.filter(task => task.reason === 'dependency-failed').length,
    slots: records.tasks.filter(task => task.schedule).length,
    writesOfThawedBodiesRefused: traces.excused.lines,
    latestOfThemAfterThawMs: traces.excused.lateMs,
    linesCutByAKill: traces.cut,
    healthyAfterMs: drained.healthyMs ?? null,
    eventsFollowed: followers.told.reduce((sum, { events }) => sum + events, 0),
    resyncs: followers.told.reduce((sum, { resyncs }) => sum + resyncs, 0),
    textsSearchedForSecrets: leaks.looked,
    quietAfterMs: drained.quietMs ?? null,
  };
}
