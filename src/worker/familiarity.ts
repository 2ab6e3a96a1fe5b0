import { shortId } from '../core/short-id.js';
import { knownTypes, labelOf, mayRun, typeOfLabel, type KnownTypes, type TypeVersion } from '../core/task-type.js';
import type { Task } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';

export interface FamiliarityDeps {
  /** Labels of the types that the children have; another list when they have changed. */
  types: () => readonly string[];
  clock: Clock;
  log: Log;
}

/** So long is claimed by name after a task came up that is none for this worker: until then nobody asks twice for the same one. */
const AVOID_MS = 60_000;
/** Names that are told, and names that are kept after a child refused one. */
const TOLD = 20;
const REFUSED = 100;

/**
 * Which tasks this worker can run. Ordinary claims ask for any: that costs nothing. Only when one comes up whose type, or version, the children
 * do not have, it is left to others, and the claims of the next minute name the types that are known. After that minute one claim looks before it
 * starts anything, so that such a task is not started and given back again and again.
 */
export class Familiarity {
  readonly #deps: FamiliarityDeps;
  #types: readonly string[] = [];
  #known: KnownTypes = new Map();
  #metAtMs = -Infinity;
  /** One was met, and no claim has looked since then and found none. */
  #wary = false;
  /** Labels of what was met, newest last. */
  readonly #met = new Set<string>();
  /** What a child did not have although the newest child has it, and when. The same minute, or nobody would ever try again. */
  readonly #refused = new Map<string, number>();

  constructor(deps: FamiliarityDeps) {
    this.#deps = deps;
  }

  knows(task: Pick<Task, 'name' | 'version'>): boolean {
    this.#learn();
    return mayRun(this.#known, task) && (this.#refused.size === 0 || !this.#isRefused(labelOf(task)));
  }

  /** The types that claims are to name; undefined: any will do. */
  get only(): readonly TypeVersion[] | undefined {
    this.#learn();
    if (!this.#wary || this.#deps.clock.monotonicMs() - this.#metAtMs >= AVOID_MS) return undefined;
    const refused = new Set(
      [...this.#refused.keys()].filter(label => this.#isRefused(label)).map(label => typeOfLabel(label).name),
    );
    return [...this.#known].filter(([name]) => !refused.has(name)).map(([name, version]) => ({ name, version }));
  }

  /** Whether the next claim is to read before it starts anything. */
  get wary(): boolean {
    return this.#wary;
  }

  /** A claim that asked for any has found none that is unfamiliar. */
  sawNone(): void {
    this.#wary = false;
    this.#met.clear();
    this.#refused.clear();
  }

  met(task: Pick<Task, 'id' | 'name' | 'version'>): void {
    const label = labelOf(task);
    if (!this.#met.has(label))
      this.#deps.log.warn(`Task ${shortId(task.id)} is left to others: the type ${label} is not known here.`, {
        taskId: task.id,
      });
    this.#met.delete(label);
    this.#met.add(label);
    const [oldest] = this.#met;
    if (this.#met.size > TOLD && oldest !== undefined) this.#met.delete(oldest);
    this.#metAtMs = this.#deps.clock.monotonicMs();
    this.#wary = true;
  }

  /** By a child that has other types than the newest one. */
  refused(task: Pick<Task, 'id' | 'name' | 'version'>): void {
    this.#learn();
    const label = labelOf(task);
    if (this.#refused.size < REFUSED || this.#refused.has(label)) this.#refused.set(label, this.#deps.clock.monotonicMs());
    this.met(task);
  }

  get told(): string[] {
    return [...this.#met];
  }

  #isRefused(label: string): boolean {
    const at = this.#refused.get(label);
    return at !== undefined && this.#deps.clock.monotonicMs() - at < AVOID_MS;
  }

  #learn(): void {
    const types = this.#deps.types();
    if (types === this.#types) return;
    this.#types = types;
    this.#known = knownTypes(types);
    this.sawNone();
  }
}
