import { judge, type Judged } from '../../src/core/line.js';
import { claimsOf, type Claim } from '../../src/core/reservation.js';
import type { NewTask, Task } from '../../src/core/task.js';
import { readLines } from '../../src/dispatch/lines.js';
import type { Store } from '../../src/store/store.js';
import { newTask } from '../contract/store/support.js';

/** How many units there are, of `gpu` at first. */
export const UNITS = 3;
/** Of the limit `concurrency:k`. */
const MOST = 2;

/** What one task wants: numbers that any source of chance can give. */
export interface Wanted {
  exclusive: string[];
  shared: string[];
  gpu: number;
  limited: boolean;
}

export const NAMES = ['a', 'b', 'tree/**', 'tree/x', 'tree/x/**', 'tree/x/y'] as const;

/** Undefined for one that would wait for nothing. */
export function taskOf({ exclusive, shared, gpu, limited }: Wanted): NewTask | undefined {
  const alone = shared.filter(name => !exclusive.includes(name));
  const counted = [
    ...(gpu > 0 ? [{ name: 'gpu', units: gpu }] : []),
    ...(limited ? [{ name: 'concurrency:k', units: 1, capacity: MOST }] : []),
  ];
  if (exclusive.length + alone.length + counted.length === 0) return undefined;
  return newTask({ exclusive, shared: alone, waitingFor: 'resources', ...(counted.length > 0 && { counted }) });
}

/** What is told of a task that waits for its resources. */
export interface Told {
  judged: Judged[];
  /** Ids of those that stand in its way … */
  blockers: string[];
  /** … each of which does so alone, whatever becomes of the others. */
  opposed: string[];
  /** It asks for more units than there are. */
  never: boolean;
}

export async function toldOf(store: Store, task: Task): Promise<Told> {
  const judged = judge(task, task.seq, await readLines(store, task));
  const blockers = judged.flatMap(each => each.blockers);
  const ids = (chosen: typeof blockers): string[] => [...new Set(chosen.map(each => each.task.id))];
  const counts = (claim: Claim): boolean => claim.mode === 'counted';
  const opposing = judged.flatMap(each =>
    each.blockers.filter(({ claim }) => !(counts(claim) && each.standing.mode === 'counted')),
  );
  return {
    judged,
    blockers: ids(blockers),
    opposed: ids(opposing),
    never: judged.some(({ standing }) => (standing.units ?? 0) > (standing.capacity ?? Infinity)),
  };
}

/** Its place in line of one of its claims, counted as plainly as it can be. */
export function placeOf(task: Task, claim: Claim, waiting: readonly Task[]): number {
  const before = waiting.filter(other => other.seq < task.seq && claimsOf(other).some(theirs => meet(theirs, claim)));
  return before.length + 1;
}

function meet(a: Claim, b: Claim): boolean {
  const within = (pattern: string, name: string): boolean =>
    pattern.endsWith('/**') && `${name.replace(/\/\*\*$/, '')}/`.startsWith(pattern.slice(0, -2));
  if (a.resource !== b.resource && !within(a.resource, b.resource) && !within(b.resource, a.resource)) return false;
  return a.mode !== 'shared' || b.mode !== 'shared';
}
