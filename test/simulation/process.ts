import type { Runtime } from '../../src/process/runtime.js';
import type { Chance } from './chance.js';
import type { Scheduler } from './scheduler.js';

/** A machine's monotonic clock: it drifts, and starts anywhere. */
export interface MachineClock {
  rate: number;
  offsetMs: number;
}

/**
 * One life of one process. Nothing reaches its code but through `deliver`: what comes while it is paused is held back, what comes after its
 * death is dropped. So it can be stopped or killed between any two awaits that wait for something outside.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly pid: number;
  readonly runtime: Runtime;
  readonly #scheduler: Scheduler;
  readonly #clock: MachineClock;
  readonly #chance: Chance;
  readonly #walls: Chance;
  readonly #onDeath: (() => void)[] = [];
  #alive = true;
  #pausedUntilMs = -Infinity;
  #held: (() => void)[] = [];
  #ids = 0;

  constructor(who: { name: string; pid: number; clock: MachineClock }, scheduler: Scheduler, chance: Chance) {
    this.name = who.name;
    this.pid = who.pid;
    this.#clock = who.clock;
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#walls = chance.of('wall clock');
    this.runtime = {
      clock: { monotonicMs: () => this.monotonicMs(), wall: () => this.#wall() },
      timers: { sleep: (ms, signal) => this.#sleep(ms, signal) },
      random: {
        uniform: () => chance.uniform(),
        uuid: () => `${this.name}#${this.pid}-${(++this.#ids).toString(36)}`,
        id: () => `${this.name}#${this.pid}-${(++this.#ids).toString(36).padStart(6, '0')}`,
      },
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#scheduler.nowMs < this.#pausedUntilMs;
  }

  /** Nothing may rest on a wall clock: each time it says something else. */
  #wall(): Date {
    return new Date(1_700_000_000_000 + this.#scheduler.nowMs + this.#walls.between(-3_600_000, 3_600_000));
  }

  monotonicMs(): number {
    return this.#scheduler.nowMs * this.#clock.rate + this.#clock.offsetMs;
  }

  /** How long `ms` on this machine's clock are in simulated time. */
  simulatedMs(ms: number): number {
    return ms / this.#clock.rate;
  }

  /** Runs something in this process as soon as it may run, or never. */
  deliver(work: () => void): void {
    if (!this.#alive) return;
    if (this.paused) this.#held.push(work);
    else work();
  }

  onDeath(work: () => void): void {
    this.#onDeath.push(work);
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#held = [];
    for (const work of this.#onDeath) work();
  }

  /** Stops it as SIGSTOP does; what waits goes on afterwards in any order, as timers and sockets do. */
  pause(ms: number): void {
    const until = this.#scheduler.nowMs + ms;
    if (until <= this.#pausedUntilMs) return;
    this.#pausedUntilMs = until;
    this.#scheduler.at(until, () => this.#thaw());
  }

  #thaw(): void {
    if (this.paused) return; // a later pause took over
    const held = this.#chance.sample(this.#held, this.#held.length);
    this.#held = [];
    for (const work of held) this.#scheduler.after(0, () => this.deliver(work));
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      signal?.addEventListener('abort', wake);
      if (ms !== Infinity) this.#scheduler.after(Math.max(0, this.simulatedMs(ms)), () => this.deliver(wake));
    });
  }
}
