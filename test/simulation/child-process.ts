import type { Child } from './child.js';
import type { Scheduler } from './scheduler.js';

/** One child process: what happens to it happens to every body in it. */
export class ChildProcess {
  readonly bodies = new Set<Child>();
  /** It gets no more bodies: it is dead, or is to be. */
  retired = false;
  readonly #scheduler: Scheduler;
  #frozenUntilMs = -Infinity;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(body: Child): void {
    this.bodies.add(body);
    const frozenMs = this.#frozenUntilMs - this.#scheduler.nowMs;
    if (frozenMs > 0) body.freeze(frozenMs);
  }

  freeze(ms: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#scheduler.nowMs + ms);
    for (const body of this.bodies) body.freeze(ms);
  }

  kill(reason: 'worker-lost'): void {
    this.retired = true;
    for (const body of [...this.bodies]) body.kill(reason);
  }

  /** By itself: a crash, or the kernel's. Where several bodies run in it, nobody knows whose fault it is, and none has failed. */
  die(): void {
    const [first, ...others] = this.bodies;
    if (others.length > 0) return this.kill('worker-lost');
    this.retired = true;
    first?.die();
  }
}
