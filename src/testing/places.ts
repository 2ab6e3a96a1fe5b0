import type { Place } from '../worker/slots.js';

/** The slots of a lab: whoever waits for other tasks has none, and gets the next free one before any new start. */
export class Places {
  readonly #away = new Set<string>();
  readonly #returning: { task: string; resume: () => void }[] = [];

  /** Bodies without a slot. */
  get away(): number {
    return this.#away.size;
  }

  of(task: string): Place {
    return {
      leave: () => void this.#away.add(task),
      comeBack: () => new Promise(resume => this.#returning.push({ task, resume })),
      comeBackNow: () => void this.#away.delete(task),
    };
  }

  ended(task: string): void {
    this.#away.delete(task);
  }

  /** Gives so many slots to those that want one again. Whether there were any. */
  letBack(free: number): boolean {
    const back = this.#returning.splice(0, Math.max(0, free));
    for (const { task, resume } of back) {
      this.#away.delete(task);
      resume();
    }
    return back.length > 0;
  }
}
