import { judge, type InLine, type Judged } from './line.js';
import { claimsOf } from './reservation.js';
import type { Task } from './task.js';

/** What of a task matters to who waits for whom. */
export type WaitingTask = InLine & Pick<Task, 'name' | 'state' | 'waitingFor' | 'awaiting'>;

/** `from` cannot go on before `to` does. */
export interface WaitStep {
  from: string;
  to: string;
  /** Its body waits for that one's end; or that one holds this resource, or stands before it in its line. */
  how: 'awaits' | 'holds' | 'ahead';
  resource?: string;
}

/** Of a chain; a record that somebody spoiled may lead round in circles. */
const MAX_LENDERS = 64;

/**
 * Who waits for whom, as far as it has been read. A parent whose body awaits a child goes on when that has ended; a task in line when those have ended
 * that hold its resources, and those that stand before it. Nothing else is a wait: what runs by itself, or waits for a slot or a time, goes on some day.
 */
export class WaitGraph {
  readonly #tasks = new Map<string, WaitingTask>();
  readonly #lines = new Map<string, readonly WaitingTask[]>();
  /** Units of counted resources that are declared. */
  readonly #capacities = new Map<string, number>();
  /** Ids that were asked for and do not exist. */
  readonly #gone = new Set<string>();

  get size(): number {
    return this.#tasks.size;
  }

  get(id: string): WaitingTask | undefined {
    return this.#tasks.get(id);
  }

  /** The answer to a question for these ids. */
  learn(asked: readonly string[], found: readonly WaitingTask[]): void {
    for (const task of found) this.#tasks.set(task.id, task);
    for (const id of asked) if (!this.#tasks.has(id)) this.#gone.add(id);
  }

  /** Everybody who holds this resource, or waits for it. */
  learnLine(resource: string, line: readonly WaitingTask[], capacity?: number): void {
    this.#lines.set(resource, line);
    if (capacity !== undefined) this.#capacities.set(resource, capacity);
    for (const task of line) if (!this.#tasks.has(task.id)) this.#tasks.set(task.id, task);
  }

  /** What must be read before all is known that these wait for. */
  unread(starts: readonly string[]): { ids: string[]; resources: string[] } {
    const ids = new Set<string>();
    const resources = new Set<string>();
    const seen = new Set(starts);
    // A set that grows while it is gone through: breadth first.
    for (const id of seen) {
      const task = this.#tasks.get(id);
      if (!task) {
        if (!this.#gone.has(id)) ids.add(id);
        continue;
      }
      for (const resource of this.#unreadLinesOf(task)) resources.add(resource);
      const lender = this.#unknownLenderOf(task);
      if (lender !== undefined) ids.add(lender);
      for (const { to } of this.#stepsFrom(task)) seen.add(to);
    }
    return { ids: [...ids], resources: [...resources] };
  }

  /** The shortest way from this task back to itself, if there is one. */
  cycleThrough(id: string): WaitStep[] | undefined {
    const cameBy = new Map<string, WaitStep>();
    const seen = new Set([id]);
    for (const here of seen) {
      const task = this.#tasks.get(here);
      for (const step of task ? this.#stepsFrom(task) : []) {
        if (step.to === id) return [...wayTo(here, cameBy), step];
        if (seen.has(step.to)) continue;
        cameBy.set(step.to, step);
        seen.add(step.to);
      }
    }
    return undefined;
  }

  #unreadLinesOf(task: WaitingTask): string[] {
    if (!isInLine(task)) return [];
    return claimsOf(task).flatMap(({ resource }) => (this.#lines.has(resource) ? [] : [resource]));
  }

  #unknownLenderOf(task: WaitingTask): string | undefined {
    for (let under = task.under, steps = 0; under && steps < MAX_LENDERS; steps++) {
      const lender = this.#tasks.get(under.task);
      if (!lender) return this.#gone.has(under.task) ? undefined : under.task;
      ({ under } = lender);
    }
    return undefined;
  }

  #stepsFrom(task: WaitingTask): WaitStep[] {
    const { id: from, state, awaiting = [] } = task;
    if (state === 'running') return awaiting.map((to): WaitStep => ({ from, to, how: 'awaits' }));
    if (!isInLine(task)) return [];
    const lines = {
      lineOf: (resource: string): readonly WaitingTask[] => this.#lines.get(resource) ?? [],
      capacities: this.#capacities,
      find: (id: string): WaitingTask | undefined => this.#tasks.get(id),
    };
    return judge(task, task.seq, lines).flatMap(judged => stepsOf(from, judged));
  }
}

/** Of a cycle: the task whose end would break it at the least cost. Undefined where every body in it awaits the next. */
export function victimOf(cycle: readonly WaitStep[], graph: WaitGraph): WaitingTask | undefined {
  const awaited = cycle.flatMap(({ how, to }) => (how === 'awaits' ? [graph.get(to)] : []));
  const inLine = awaited.filter(task => task !== undefined && isInLine(task)) as WaitingTask[];
  return inLine.sort((a, b) => b.seq - a.seq)[0];
}

/** `task P (sync) awaits C (publish), C waits for "repository:a", which P holds`. */
export function cycleText(cycle: readonly WaitStep[], nameOf: (id: string) => string): string {
  const named = new Set<string>();
  const call = (id: string): string => {
    if (named.has(id)) return id;
    named.add(id);
    return `${id} (${nameOf(id)})`;
  };
  const parts = cycle.map(({ from, to, how, resource = '' }) => {
    const who = call(from);
    if (how === 'awaits') return `${who} awaits ${call(to)}`;
    return `${who} waits for "${resource}", ${how === 'holds' ? `which ${call(to)} holds` : `where ${call(to)} stands before it`}`;
  });
  return `task ${parts.join(', ')}`;
}

function isInLine({ state, waitingFor, grant }: WaitingTask): boolean {
  return state === 'waiting' && waitingFor === 'resources' && grant === undefined;
}

/** Of those who count units, a holder is in the way only where nobody else can make up for it. */
function stepsOf(from: string, { standing, blockers }: Judged): WaitStep[] {
  const { name: resource, mode, units, capacity } = standing;
  const alone = blockers.filter(({ task, claim }) => {
    if (!task.grant || mode !== 'counted' || claim.mode !== 'counted') return true;
    return claim.units + (units ?? 0) > (capacity ?? 0);
  });
  return alone.map(({ task }): WaitStep => ({ from, to: task.id, how: task.grant ? 'holds' : 'ahead', resource }));
}

function wayTo(id: string, cameBy: ReadonlyMap<string, WaitStep>): WaitStep[] {
  const way: WaitStep[] = [];
  for (let step = cameBy.get(id); step; step = cameBy.get(step.from)) way.unshift(step);
  return way;
}
