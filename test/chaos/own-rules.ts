import type { Finding } from '../../src/audit/history.js';
import type { Task } from '../../src/core/task.js';
import { slotAfter } from '../../src/core/schedule-rule.js';
import { SCHEDULES } from './cast.js';
import type { Asked } from './clients.js';
import type { EndedSchedule } from './drain.js';
import { ENDLESS } from './plan-load.js';
import type { Line } from './sink.js';

/** What only this run can tell, because it knows labels, requests, schedules and fences: beside the one checker, not instead of it. */
export function* ownFindings(known: {
  tasks: readonly Task[];
  asked: readonly Asked[];
  schedules: readonly EndedSchedule[];
  refused: readonly Line[];
}): Generator<Finding> {
  yield* labels(known.tasks);
  yield* batches(known.tasks, known.asked);
  for (const schedule of known.schedules) yield* slots(known.tasks, schedule);
  yield* deposedWrites(known.refused);
  yield* limits(known.tasks);
}

export function labelOf({ kwargs }: Task): string {
  return kwargs.label as string;
}

/** Every label was asked for once, be it with ten requests of one idempotency key. */
function* labels(tasks: readonly Task[]): Generator<Finding> {
  for (const [label, same] of groupedBy(
    tasks.filter(task => !task.schedule),
    labelOf,
  )) {
    if (same.length === 1) continue;
    const evidence = `"${label}" was asked for once, and there are ${same.length} tasks of it.`;
    yield { rule: 'doubled', tasks: same.map(task => task.id), evidence };
  }
}

/** All tasks of a batch, or none. */
function* batches(tasks: readonly Task[], asked: readonly Asked[]): Generator<Finding> {
  const stored = new Set(tasks.map(labelOf));
  for (const [, request] of groupedBy(asked, each => String(each.request))) {
    const there = request.filter(each => stored.has(each.label));
    if (there.length === 0 || there.length === request.length) continue;
    const evidence = `Of a batch of ${request.length} tasks ${there.length} are stored: ${there.map(each => each.label).join(', ')}.`;
    yield { rule: 'illegal', tasks: there.flatMap(each => each.id ?? []), evidence };
  }
}

/** No slot twice; and with `all` none is missing, from the anchor to where the schedule was deleted. */
function* slots(tasks: readonly Task[], schedule: EndedSchedule): Generator<Finding> {
  const { id, name, rule, misfire, nextAt } = schedule;
  const mine = tasks.filter(task => task.schedule?.id === id);
  const bySlot = groupedBy(mine, task => String(task.schedule?.slot.getTime()));
  for (const [slot, same] of bySlot) {
    const at = new Date(Number(slot)).toISOString();
    const ids = same.map(task => task.id);
    if (same.length > 1) yield { rule: 'doubled', tasks: ids, evidence: `The slot ${at} of "${name}" has ${same.length} tasks.` };
    if (slotAfter(rule, new Date(Number(slot) - 1))?.getTime() !== Number(slot))
      yield { rule: 'illegal', tasks: ids, evidence: `"${name}" has no slot ${at}.` };
  }
  yield* counted(mine, schedule);
  if (schedule.overlap === 'skip') yield* oneByOne(mine, name);
  if (misfire !== 'all' || rule.kind !== 'interval' || !nextAt) return;
  for (let slot = rule.anchor.getTime(); slot < nextAt.getTime(); slot += rule.intervalMs) {
    if (bySlot.has(String(slot))) continue;
    yield { rule: 'lost', tasks: [], evidence: `The slot ${new Date(slot).toISOString()} of "${name}" has no task.` };
  }
}

/** As many slots have a task as runs are used up; what came after the schedule was read is not looked at. */
function* counted(mine: readonly Task[], { name, remainingRuns, pending, nextAt }: EndedSchedule): Generator<Finding> {
  const total = SCHEDULES.map(each => ('remainingRuns' in each && each.name === name ? each.remainingRuns : undefined)).find(
    Boolean,
  );
  if (total === undefined || remainingRuns === undefined) return;
  const end = pending?.slots[0] ?? nextAt;
  const made = mine.filter(({ schedule }) => schedule && (!end || schedule.slot < end)).length;
  const decided = total - remainingRuns - (pending?.slots.length ?? 0);
  if (made === decided) return;
  const tasks = mine.map(task => task.id);
  yield {
    rule: 'doubled',
    tasks,
    evidence: `${made} slots of "${name}" have a task, and ${decided} of ${total} runs are used up.`,
  };
}

/** No slot has a task that was made while the one before was open. */
function* oneByOne(mine: readonly Task[], name: string): Generator<Finding> {
  const inOrder = [...mine].sort((a, b) => Number(a.schedule?.slot) - Number(b.schedule?.slot));
  for (const [index, task] of inOrder.entries()) {
    const before = inOrder[index - 1];
    if (!before || (before.finishedAt && before.finishedAt <= task.createdAt)) continue;
    const evidence = `Task ${task.id} of "${name}" was made at ${task.createdAt.toISOString()}, before task ${before.id} had ended.`;
    yield { rule: 'illegal', tasks: [before.id, task.id], evidence };
  }
}

/** What never ends by itself was ended, and not called complete. */
function* limits(tasks: readonly Task[]): Generator<Finding> {
  for (const { id, state, kwargs } of tasks) {
    if (!ENDLESS.some(manner => manner === kwargs.manner) || state !== 'completed') continue;
    yield { rule: 'illegal', tasks: [id], evidence: `Task ${id} never ends by itself, and is completed.` };
  }
}

/** A body that was never frozen wrote after a newer holder had: its worker should have ended it. */
function* deposedWrites(refused: readonly Line[]): Generator<Finding> {
  for (const [key, lines] of groupedBy(refused, line => `${line.task} start ${line.attempt}`)) {
    const [first] = lines;
    if (!first) continue;
    const evidence = `${lines.length} writes of task ${key} were refused (fence ${first.fence ?? 0}, pid ${first.pid}, from ${Math.round(first.at / 1_000)} ms): somebody newer had written on ${[...first.exclusive, ...first.shared].join(', ')}, and it was not frozen.`;
    yield { rule: 'fence', tasks: [first.task], evidence };
  }
}

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
