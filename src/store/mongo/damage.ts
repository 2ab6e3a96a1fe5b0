import { isFinal } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { StoreLog } from './log.js';

type Read = Pick<Task, 'id' | 'state'> & { damaged?: string };

/** More are set aside all the same, and are looked at when these have been dealt with. */
const MAX_KNOWN = 1_000;

/** The damaged records that this process has met: each is told of once, and looked at again until it is mended or ended. */
export class Damage {
  readonly #known = new Map<string, { looks: number; told: boolean }>();
  readonly #log: StoreLog;
  #straysAtMs = -Infinity;

  constructor(log: StoreLog) {
    this.#log = log;
  }

  get ids(): string[] {
    return [...this.#known.keys()];
  }

  /** Sound records pass; what has ended is nobody's concern any more. */
  note<T extends Read>(tasks: readonly T[]): readonly T[] {
    for (const { id, state, damaged } of tasks) {
      if (damaged === undefined || isFinal(state) || this.#known.has(id) || this.#known.size >= MAX_KNOWN) continue;
      this.#known.set(id, { looks: 0, told: false });
      this.#log.error(`The record of task ${id} is damaged (${damaged}): it is set aside, and not started or granted.`, {
        taskId: id,
      });
    }
    return tasks;
  }

  /** Whether it is time again to look for those that no query comes across; the next time is in `everyMs`. */
  straysAreDue(everyMs: number): boolean {
    const now = performance.now();
    if (now - this.#straysAtMs < everyMs) return false;
    this.#straysAtMs = now;
    return true;
  }

  /** Only the sound ones. */
  without<T extends Read>(tasks: readonly T[]): T[] {
    return this.note(tasks).filter(task => task.damaged === undefined);
  }

  /** How often it has been looked at, this time included. It goes to the end of the list, so that no few keep others from their turn. */
  look(id: string): number {
    const { looks, told } = this.#known.get(id) ?? { looks: 0, told: false };
    this.#known.delete(id);
    this.#known.set(id, { looks: looks + 1, told });
    return looks + 1;
  }

  /** What somebody has to do by hand. */
  tellOnce(id: string, message: string): void {
    const known = this.#known.get(id);
    if (!known || known.told) return;
    known.told = true;
    this.#log.error(message, { taskId: id });
  }

  forget(id: string): void {
    this.#known.delete(id);
  }
}

const MAX_ROUNDS = 5;

/**
 * What `ask` gives, sound ones only: those that are known to be damaged are left out from the start, and where it meets new ones it is asked
 * again without them, so that they take nobody's place.
 */
export async function soundOnes<T extends Read>(
  damage: Damage,
  ask: (withoutIds: string[]) => Promise<readonly T[]>,
): Promise<T[]> {
  for (let round = 1; ; round++) {
    const found = await ask(damage.ids);
    const sound = damage.without(found);
    if (sound.length === found.length || round === MAX_ROUNDS) return sound;
  }
}
