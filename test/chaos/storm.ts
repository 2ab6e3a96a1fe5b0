import { setTimeout as sleep } from 'node:timers/promises';

import { FAULTS } from './faults/faults.js';
import { isServer, laneOf, SERVER_REST_MS, type Fault } from './plan-faults.js';
import type { Stage } from './stage.js';

/** Does the faults of the plan, and undoes each in its time. */
export class Storm {
  /** How many were done, by kind. */
  readonly done = new Map<string, number>();
  readonly failed: { fault: Fault; why: string }[] = [];
  readonly #stage: Stage;
  readonly #lanes = new Map<string, Promise<void>>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get count(): number {
    return [...this.done.values()].reduce((sum, each) => sum + each, 0);
  }

  /** Resolves when all are undone. `calm` ends those that are at work, and lets no other begin. */
  async play(faults: readonly Fault[], beganAt: number, calm: AbortSignal): Promise<void> {
    for (const fault of faults) {
      await pause(beganAt + fault.at - performance.now(), calm);
      if (calm.aborted) break;
      // A server may take longer to come back than the plan thought: then the next fault there waits for it, and for its rest.
      const lane = laneOf(fault.target);
      const before = this.#lanes.get(lane) ?? Promise.resolve();
      this.#lanes.set(
        lane,
        before.then(() => this.#one(fault, calm)),
      );
    }
    await Promise.all(this.#lanes.values());
  }

  async #one(fault: Fault, calm: AbortSignal): Promise<void> {
    if (calm.aborted) return;
    const { kind, target, forMs } = fault;
    const { journal } = this.#stage;
    try {
      const heal = await FAULTS[kind](this.#stage, fault);
      this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
      journal.note('fault', { kind, target, forMs });
      if (!heal) return;
      await pause(forMs, calm);
      await heal();
      journal.note('healed', { kind, target });
      if (isServer(target)) await pause(SERVER_REST_MS, calm);
    } catch (error) {
      journal.note('fault failed', { kind, target, why: String(error) });
      this.failed.push({ fault, why: String(error) });
    }
  }
}

async function pause(ms: number, calm: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: calm }).catch(() => undefined);
}
