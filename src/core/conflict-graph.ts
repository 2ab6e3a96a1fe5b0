import type { Place } from './line-queue.js';
import { Lines } from './lines.js';
import { Loans, type Node } from './loans.js';
import type { Lender } from './task.js';
import { ReadyQueue } from './ready-queue.js';
import type { Claim } from './reservation.js';

/** A task as the graph sees it. `granted` ones hold their resources whatever their number. */
export interface Contender {
  id: string;
  seq: number;
  claims: readonly Claim[];
  granted: boolean;
  /** It runs under another one's reservation. */
  under?: Lender;
}

/**
 * Who waits for whom: one line per resource, and for each task a counter of the lines in which somebody is ahead of it.
 * Submitting and removing cost O(resources of that task), whatever the backlog. Blocked tasks keep their place, so the order of each
 * resource is first come, first served, and a task never waits for one that it does not conflict with.
 *
 * A borrower waits for what its lender holds in lines of that lender's own, where only borrowers stand (`loans.ts`).
 */
export class ConflictGraph {
  readonly #nodes = new Map<string, Node>();
  readonly #capacities = new Map<string, number>();
  readonly #lines: Lines<Node>;
  readonly #ready = new ReadyQueue<Node>();
  readonly #loans: Loans;
  #granted = 0;

  /** `fenceOf`: of the grant of a task that holds. Without it nobody lends anything. */
  constructor(fenceOf: (id: string) => number | undefined = () => undefined) {
    const moved = (node: Node, by: number): void => {
      node.blockers -= by;
      this.#enqueue(node);
    };
    const keep = (node: Node, places: Place<Node>[]): void => {
      node.places = places;
    };
    this.#lines = new Lines({ placesOf: node => node.places, keep, moved, capacities: this.#capacities });
    const holder = (id: string): Node | undefined => {
      const node = this.#nodes.get(id);
      return node?.granted ? node : undefined;
    };
    this.#loans = new Loans({ main: this.#lines, moved, capacities: this.#capacities, holder, fenceOf });
  }

  get size(): number {
    return this.#nodes.size;
  }

  get holders(): number {
    return this.#granted;
  }

  has(id: string): boolean {
    return this.#nodes.has(id);
  }

  /** Number under which a task stands here, and whether it holds. */
  find(id: string): { seq: number; granted: boolean } | undefined {
    return this.#nodes.get(id);
  }

  /** Puts a task in line, again if it stands there under another number. */
  submit(task: Contender): void {
    const known = this.#nodes.get(task.id);
    if (known?.seq === task.seq && known.granted === task.granted) return;
    if (known) this.remove(task.id);
    const { id, seq, granted } = task;
    const node: Node = { id, seq, granted, places: [], blockers: 0, queued: true }; // until it stands in all of its lines
    this.#nodes.set(id, node);
    if (granted) this.#granted++;
    if (task.under) this.#loans.enter(node, task.claims, task.under);
    else this.#lines.enter(node, task.claims);
    node.queued = false;
    this.#enqueue(node);
    if (granted) this.#loans.lenderChanged(id);
  }

  /** Takes a task out: it has ended, or no longer waits. Those behind it move up. */
  remove(id: string): boolean {
    const node = this.#nodes.get(id);
    if (!node) return false;
    this.#nodes.delete(id);
    if (node.granted) this.#granted--;
    this.#lines.leave(node);
    this.#loans.leave(node);
    if (node.granted) this.#loans.lenderChanged(id);
    return true;
  }

  /** Up to `limit` tasks that nothing stands in the way of, lowest number first. They are not offered again before `grant` or `putBack`. */
  takeRunnable(limit: number): string[] {
    const taken: string[] = [];
    while (taken.length < limit) {
      const node = this.#ready.pop();
      if (!node) break;
      node.queued = false;
      // Stale entries are left in the heap and dropped here: cheaper than finding them.
      if (this.#nodes.get(node.id) === node && node.blockers === 0 && !node.granted) taken.push(node.id);
    }
    return taken;
  }

  /** Whether this one, under this number, is still one that nothing stands in the way of. */
  mayGrant(id: string, seq: number): boolean {
    const node = this.#nodes.get(id);
    return node?.seq === seq && node.blockers === 0 && !node.granted;
  }

  grant(id: string): void {
    const node = this.#nodes.get(id);
    if (!node || node.granted) return;
    node.granted = true;
    this.#granted++;
    this.#lines.hold(node);
    this.#loans.hold(node);
    this.#loans.lenderChanged(id);
  }

  putBack(ids: readonly string[]): void {
    for (const id of ids) {
      const node = this.#nodes.get(id);
      if (node) this.#enqueue(node);
    }
  }

  /** Those whose claims do not conflict with this task's: its lender, the lender's lender, … */
  lendersOf(id: string): string[] {
    const node = this.#nodes.get(id);
    return node ? this.#loans.lendersOf(node) : [];
  }

  /** Units of a resource that all who count it may hold together; 0 until somebody says so. */
  setCapacity(resource: string, units: number): void {
    this.#capacities.set(resource, units);
    this.#lines.setCapacity(resource, units);
  }

  knowsCapacity(resource: string): boolean {
    return this.#capacities.has(resource);
  }

  /** Resources whose capacity is known; those that nobody asks for any more are forgotten. */
  knownCapacities(): string[] {
    for (const resource of this.#capacities.keys()) if (!this.#lines.has(resource)) this.#capacities.delete(resource);
    return [...this.#capacities.keys()];
  }

  /** The same as it holds now, also of those who bring it along; 0 where nobody has said so. */
  capacityOf(resource: string): number {
    return this.#lines.capacityOf(resource) ?? this.#capacities.get(resource) ?? 0;
  }

  *holderIds(): Generator<string> {
    for (const node of this.#nodes.values()) if (node.granted) yield node.id;
  }

  *waitingIds(): Generator<string> {
    for (const node of this.#nodes.values()) if (!node.granted) yield node.id;
  }

  #enqueue(node: Node): void {
    if (node.queued || node.granted || node.blockers > 0) return;
    node.queued = true;
    this.#ready.push(node);
  }
}
