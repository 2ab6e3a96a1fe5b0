/** Where in a call of a port something may happen: before it is sent, when it was carried out but not answered, or once the answer is there. */
export const PHASES = ['before', 'applied', 'after'] as const;
export type Phase = (typeof PHASES)[number];
export type Action = 'kill' | 'pause' | 'throw';

export interface Failpoint {
  /** `role.port.method`, as `worker.tasks.start`. */
  point: string;
  phase: Phase;
  action: Action;
  /** Which occurrence, from 1. */
  nth: number;
}

/** Failpoints that are armed, and how often each place was passed. */
export class Failpoints {
  readonly #armed: Failpoint[];
  readonly #passed = new Map<string, number>();

  constructor(armed: readonly Failpoint[] = []) {
    this.#armed = [...armed];
  }

  /** Notes that a process passes here; gives what is to happen to it. */
  pass(point: string, phase: Phase): Action | undefined {
    const key = `${point} ${phase}`;
    const count = (this.#passed.get(key) ?? 0) + 1;
    this.#passed.set(key, count);
    if (this.#armed.length === 0) return undefined;
    return this.#armed.find(armed => armed.point === point && armed.phase === phase && armed.nth === count)?.action;
  }

  /** Every place that was passed, in the order of the first time, with how often. */
  get passed(): { point: string; count: number }[] {
    return [...this.#passed]
      .filter(([key]) => key.endsWith(' before'))
      .map(([key, count]) => ({ point: key.slice(0, key.indexOf(' ')), count }));
  }
}
