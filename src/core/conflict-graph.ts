import { ReadyQueue } from './ready-queue.js';
import type { Claim } from './reservation.js';
import { WaitingLine, type Place } from './waiting-line.js';

/** A task as the graph sees it. `granted` ones hold their resources whatever their number. */
export interface Contender {
  id: string;
  seq: number;
  claims: readonly Claim[];
  granted: boolean;
}

interface Node {
  readonly id: string;
  readonly seq: number;
  readonly places: readonly Place[];
  granted: boolean;
  /** Lines in which it is not at the front. 0: nothing stands in its way. */
  blockers: number;
  /** Stands in the ready queue. */
  queued: boolean;
}

/**
 * Who waits for whom: one line per resource, and for each task a counter of the lines in which somebody is ahead of it.
 * Submitting and removing cost O(resources of that task), whatever the backlog. Blocked tasks keep their place, so the order of each
 * resource is first come, first served, and a task never waits for one that it does not conflict with.
 */
export class ConflictGraph {
  readonly #nodes = new Map<string, Node>();
  readonly #lines = new Map<string, WaitingLine>();
  readonly #ready = new ReadyQueue<Node>();
  #granted = 0;
  /** One for all lines: there may be as many of them as tasks. */
  readonly #frontChanged = (place: Place): void => {
    const node = this.#nodes.get(place.task);
    if (!node) return;
    node.blockers += place.front ? -1 : 1;
    this.#enqueue(node);
  };

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
    const places = task.claims.map((claim): Place => ({
      task: task.id,
      resource: claim.resource,
      seq: task.seq,
      mode: claim.mode,
      units: claim.units,
      granted: task.granted,
      front: false,
      group: undefined,
    }));
    const node: Node = {
      id: task.id,
      seq: task.seq,
      places,
      granted: task.granted,
      blockers: places.length,
      queued: false,
    };
    this.#nodes.set(task.id, node);
    if (task.granted) this.#granted++;
    for (const place of places) this.#line(place.resource).join(place);
    this.#enqueue(node);
  }

  /** Takes a task out: it has ended, or no longer waits. Those behind it move up. */
  remove(id: string): boolean {
    const node = this.#nodes.get(id);
    if (!node) return false;
    this.#nodes.delete(id);
    if (node.granted) this.#granted--;
    for (const place of node.places) {
      const line = this.#line(place.resource);
      line.leave(place);
      if (line.empty) this.#lines.delete(place.resource);
    }
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

  grant(id: string): void {
    const node = this.#nodes.get(id);
    if (!node || node.granted) return;
    node.granted = true;
    this.#granted++;
    for (const place of node.places) place.granted = true;
  }

  putBack(ids: readonly string[]): void {
    for (const id of ids) {
      const node = this.#nodes.get(id);
      if (node) this.#enqueue(node);
    }
  }

  *holderIds(): Generator<string> {
    for (const node of this.#nodes.values()) if (node.granted) yield node.id;
  }

  *waitingIds(): Generator<string> {
    for (const node of this.#nodes.values()) if (!node.granted) yield node.id;
  }

  #line(resource: string): WaitingLine {
    let line = this.#lines.get(resource);
    if (!line) {
      line = new WaitingLine(this.#frontChanged);
      this.#lines.set(resource, line);
    }
    return line;
  }

  #enqueue(node: Node): void {
    if (node.queued || node.granted || node.blockers > 0) return;
    node.queued = true;
    this.#ready.push(node);
  }
}
