import type { InLine, Lines } from '../core/line.js';
import { claimsOf } from '../core/reservation.js';
import type { Task } from '../core/task.js';
import type { RateFacts } from '../core/turn.js';
import type { Store } from '../store/store.js';

/** A line longer than this is cut; positions are exact up to here. */
export const MAX_LINE = 10_000;
const MAX_CHAIN = 64;

interface LineStore {
  tasks: Pick<Store['tasks'], 'line' | 'byIds'>;
  capacities: Pick<Store['capacities'], 'of'>;
}

/** Holders and waiting tasks of every resource of this task. */
export async function readLines(
  { tasks, capacities }: LineStore,
  task: Pick<Task, 'exclusive' | 'shared' | 'counted' | 'under'>,
): Promise<Lines> {
  const names = claimsOf(task).map(claim => claim.resource);
  const declared = (task.counted ?? []).flatMap(({ name, capacity }) => (capacity === undefined ? [name] : []));
  const [lines, units] = await Promise.all([
    Promise.all(names.map(async name => [name, await tasks.line(name, MAX_LINE)] as const)),
    declared.length > 0 ? capacities.of(declared) : new Map<string, number>(),
  ]);
  const byName = new Map(lines);
  const found = new Map<string, InLine>(lines.flatMap(([, line]) => line.map(each => [each.id, each])));
  if (task.under) await addLenders(tasks, task.under.task, found);
  return { lineOf: name => byName.get(name) ?? [], capacities: units, find: id => found.get(id) };
}

/**
 * Its lender, and those of all who stand in these lines, with their lenders: who borrows from whom tells who is in its way, and a lender may reserve nothing that
 * this task does.
 */
async function addLenders(tasks: Pick<Store['tasks'], 'byIds'>, lender: string, found: Map<string, InLine>): Promise<void> {
  let named = [lender, ...lendersOf(found.values())];
  const asked = new Set<string>();
  for (let level = 0; level < MAX_CHAIN; level++) {
    const unknown = [...new Set(named)].filter(id => !found.has(id) && !asked.has(id));
    if (unknown.length === 0) return;
    for (const id of unknown) asked.add(id);
    const next = await tasks.byIds(unknown);
    for (const each of next) found.set(each.id, each);
    named = lendersOf(next);
  }
}

function lendersOf(tasks: Iterable<InLine>): string[] {
  return [...tasks].flatMap(({ under }) => under?.task ?? []);
}

/** How things are with its rate limit; undefined where it has none. `seq`: as it stands in line, or would. */
export async function readRate(
  { rates }: Pick<Store, 'rates'>,
  { rate }: Pick<Task, 'rate'>,
  seq = Number.MAX_SAFE_INTEGER,
): Promise<RateFacts | undefined> {
  if (!rate) return undefined;
  const [[bucket], standing] = await Promise.all([rates.buckets([rate.key]), rates.standing(rate.key, seq, MAX_LINE)]);
  return { bucket, ...standing };
}
