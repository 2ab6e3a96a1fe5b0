import { InterlockError } from '../core/errors.js';
import { needsResources } from '../core/task.js';
import { cycleText, WaitGraph, type WaitingTask, type WaitStep } from '../core/wait-graph.js';
import type { CapacityStore, TaskStore } from '../store/store.js';

export interface CycleReads {
  tasks: Pick<TaskStore, 'byIds' | 'line'>;
  capacities: Pick<CapacityStore, 'of'>;
}

/** Beyond so many tasks the search ends: what it has not found by then is left to the sweep, and to time limits. */
const MAX_TASKS = 1_000;
/** So many of a line are read, and so many lines at a time. */
const LINE_LIMIT = 1_000;
const LINES_AT_ONCE = 8;

/** Reads whatever these tasks wait for, however far, up to a thousand tasks. Throws StoreError. */
export async function readWaits(reads: CycleReads, starts: readonly string[], graph = new WaitGraph()): Promise<WaitGraph> {
  while (graph.size < MAX_TASKS + starts.length) {
    const { ids, resources } = graph.unread(starts);
    if (ids.length + resources.length === 0) break;
    const asked = ids.slice(0, MAX_TASKS);
    if (asked.length > 0) graph.learn(asked, await reads.tasks.byIds(asked));
    await learnLines(reads, graph, resources.slice(0, LINES_AT_ONCE));
  }
  return graph;
}

async function learnLines({ tasks, capacities }: CycleReads, graph: WaitGraph, resources: readonly string[]): Promise<void> {
  const lines = await Promise.all(resources.map(resource => tasks.line(resource, LINE_LIMIT)));
  const counted = resources.filter((resource, at) =>
    lines[at]?.some(task => task.counted?.some(({ name }) => name === resource)),
  );
  const units = counted.length > 0 ? await capacities.of(counted) : new Map<string, number>();
  resources.forEach((resource, at) => graph.learnLine(resource, lines[at] ?? [], units.get(resource)));
}

/**
 * The shortest cycle of waits that this task is part of. What is read at several moments may show one that never was: it counts when a second look finds
 * one, too. Throws StoreError.
 */
export async function cycleThrough(reads: CycleReads, id: string): Promise<Cycle | undefined> {
  if (!(await readWaits(reads, [id])).cycleThrough(id)) return undefined;
  const graph = await readWaits(reads, [id]);
  const steps = graph.cycleThrough(id);
  return steps && { steps, graph };
}

export interface Cycle {
  steps: readonly WaitStep[];
  graph: WaitGraph;
}

/** Stands for a task that is not stored yet. */
const NEW = 'the new task';

/**
 * Whether a child with these resources could never begin as long as `parent` awaits it. Throws StoreError.
 */
export async function cycleWithChild(
  reads: CycleReads,
  parent: string,
  child: Pick<WaitingTask, 'name' | 'exclusive' | 'shared' | 'counted' | 'under'>,
): Promise<Cycle | undefined> {
  if (!needsResources(child)) return undefined;
  const look = async (): Promise<Cycle | undefined> => {
    const [known] = await reads.tasks.byIds([parent]);
    if (!known) return undefined;
    const graph = new WaitGraph();
    graph.learn([parent], [{ ...known, awaiting: [...(known.awaiting ?? []), NEW] }]);
    graph.learn([NEW], [{ ...child, id: NEW, seq: Infinity, state: 'waiting', waitingFor: 'resources' }]);
    const steps = (await readWaits(reads, [parent], graph)).cycleThrough(parent);
    return steps && { steps, graph };
  };
  return (await look()) && look();
}

/** The answer to whoever wants to wait. */
export function cycleError({ steps, graph }: Cycle): InterlockError {
  const text = cycleText(steps, id => graph.get(id)?.name ?? 'unknown');
  const detail = `this wait would never end: ${text}`;
  return new InterlockError('CONFLICT', `Not waited for: ${detail}.`, { errors: [{ pointer: '', detail, reason: 'cycle' }] });
}
