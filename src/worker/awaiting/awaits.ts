import type { Json, JsonObject } from '../../core/json.js';
import { canonicalResources } from '../../core/canonical-resources.js';
import { isFinal } from '../../core/state.js';
import type { Lender, Task } from '../../core/task.js';
import { cycleError, cycleWithChild } from '../../dispatch/wait-cycles.js';
import type { Claimed } from '../claimed.js';
import type { Place } from '../slots.js';
import { StartWaits, type AwaitsDeps } from './start-waits.js';

/** Ids of one question. */
const AT_ONCE = 500;

/**
 * What the bodies of this worker wait for. Whoever ends one of those tasks says so to everybody; whether it has ended is read from its record. A message
 * that is lost costs until the next heartbeat.
 */
export class Awaits {
  readonly #deps: AwaitsDeps;
  readonly #waiting = new Set<StartWaits>();
  #suspended = 0;

  constructor(deps: AwaitsDeps) {
    this.#deps = deps;
  }

  /** The waits of one start. */
  begin(claimed: Claimed, place: Place): StartWaits {
    const waits: StartWaits = new StartWaits({
      ...this.#deps,
      claimed,
      place,
      waiting: open => (open ? this.#waiting.add(waits) : this.#waiting.delete(waits)),
      suspend: () => this.#suspend(),
      resume: () => (this.#suspended -= 1),
    });
    return waits;
  }

  /** Somebody says that these have ended. */
  ended(ids: readonly string[]): void {
    for (const waits of this.#waiting) waits.lookAt(ids);
  }

  /** After a good heartbeat: one question for all that is waited for. Throws StoreError. */
  async look(): Promise<void> {
    const ids = [...new Set([...this.#waiting].flatMap(waits => waits.open))];
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const asked = ids.slice(from, from + AT_ONCE);
      const states = await this.#deps.joins.states(asked);
      this.ended(asked.filter(id => isFinal(states.get(id) ?? 'canceled')));
    }
  }

  /** Before a child is stored that its parent will await: throws CONFLICT where it could never begin; VALIDATION_FAILED for what is no reservation. */
  async refuseCycle(parent: Pick<Task, 'id'>, body: JsonObject, under?: Lender): Promise<void> {
    const wish = { exclusive: namesIn(body.exclusive), shared: namesIn(body.shared), counted: unitsIn(body.counted) };
    const child = { name: typeof body.name === 'string' ? body.name : '', ...canonicalResources(wish) };
    const cycle = await cycleWithChild(this.#deps, parent.id, under ? { ...child, under } : child);
    if (cycle) throw cycleError(cycle);
  }

  #suspend(): boolean {
    if (this.#suspended >= this.#deps.maxAwaiting) return false;
    this.#suspended += 1;
    return true;
  }
}

/** What is no list of names is refused where the whole body is checked. */
function namesIn(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter(name => typeof name === 'string') : [];
}

function unitsIn(value: Json | undefined): Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).flatMap(([name, units]) => (typeof units === 'number' ? [[name, units]] : [])));
}
