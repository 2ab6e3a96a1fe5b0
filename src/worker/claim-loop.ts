import type { Timing } from '../core/timing.js';
import { Loop } from '../process/loop.js';
import type { Log } from '../process/log.js';
import { jittered, type Runtime } from '../process/runtime.js';
import type { Service } from '../process/service.js';
import { claim, type ClaimDeps } from './claim.js';
import { Intake, type IntakeDeps, type Ticket } from './intake.js';
import type { Claimed } from './run-task.js';

export interface ClaimLoopDeps extends ClaimDeps {
  intake: Omit<IntakeDeps, 'wake' | 'slots' | 'runtime' | 'timing'>;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  slots: number;
  /** Undefined while this process must not start anything. */
  incarnation: () => string | undefined;
  /** Never rejects; resolves when the slot is free again. */
  run: (claimed: Claimed) => Promise<void>;
}

/** After a lost race: long enough for the others to be done with their start, short enough not to be felt. */
const CONTENDED_MS = 20;

interface Slot {
  ticket: Ticket | undefined;
  sinceMs: number;
}

/** Keeps the slots full: by tickets at once, by query when nothing has come for `claimIdleMs` or the last query left work behind. */
export class ClaimLoop implements Service {
  readonly name = 'claim loop';
  readonly #deps: ClaimLoopDeps;
  readonly #intake: Intake;
  readonly #loop: Loop;
  readonly #busy = new Set<Slot>();
  #askedAtMs = -Infinity;
  /** The last query was answered in full: there is probably more. */
  #backlog = false;
  #closed = false;

  constructor(deps: ClaimLoopDeps) {
    this.#deps = deps;
    const { runtime, timing, slots, log } = deps;
    this.#intake = new Intake({ ...deps.intake, runtime, timing, slots, wake: () => this.#loop.wake() });
    this.#loop = new Loop({ name: this.name, everyMs: timing.claimIdleMs, runtime, log }, () => this.#round());
  }

  get busy(): number {
    return this.#busy.size;
  }

  async start(): Promise<void> {
    this.#intake.open();
    await this.#loop.start();
  }

  /** Takes no more work; what runs goes on. */
  async stop(): Promise<void> {
    this.#closed = true;
    await this.#loop.stop();
    await this.#intake.close();
  }

  async #round(): Promise<number> {
    const incarnation = this.#deps.incarnation();
    const free = this.#deps.slots - this.#busy.size;
    if (incarnation !== undefined && free > 0 && !this.#closed) {
      const againInMs = await this.#fill(incarnation, free);
      if (againInMs !== undefined) return againInMs;
    }
    return this.#untilNextChange();
  }

  /** One claim, if there is a reason for it. Resolves with the milliseconds until the next one, if that is known. */
  async #fill(incarnation: string, free: number): Promise<number | undefined> {
    const now = this.#deps.runtime.clock.monotonicMs();
    const tickets = this.#intake.takeTickets(free);
    const byQuery = this.#backlog || now - this.#askedAtMs >= this.#deps.timing.claimIdleMs;
    if (tickets.length === 0 && !byQuery) return undefined;
    this.#askedAtMs = now;
    const limit = byQuery ? free : tickets.length;
    try {
      const { started, contended } = await claim(this.#deps, incarnation, limit, [
        ...new Set(tickets.map(ticket => ticket.task)),
      ]);
      this.#backlog = byQuery && started.length === limit;
      // Fenced, and perhaps back under another name, while the answer was under way: the sweep ends those starts, so none may begin here.
      if (this.#deps.incarnation() !== incarnation) {
        for (const { task, token } of started) this.#deps.own.forget(task.id, token);
        this.#intake.giveBack(tickets);
        return undefined;
      }
      started.forEach((claimed, index) => void this.#occupy(claimed, tickets[index]));
      const left = tickets.slice(started.length);
      // A ticket whose task went to somebody else is used up, unless others were lost in the same race: then there may be more.
      if (contended) this.#backlog = true;
      for (const ticket of left) ticket.ack();
      if (contended) return jittered(CONTENDED_MS, this.#deps.runtime.random);
      return this.#intake.waiting > 0 && started.length < free ? 0 : undefined;
    } catch (error) {
      this.#intake.giveBack(tickets);
      throw error;
    }
  }

  async #occupy(claimed: Claimed, ticket: Ticket | undefined): Promise<void> {
    const slot: Slot = { ticket, sinceMs: this.#deps.runtime.clock.monotonicMs() };
    this.#busy.add(slot);
    await this.#deps.run(claimed);
    this.#busy.delete(slot);
    slot.ticket?.ack();
    this.#loop.wake();
  }

  /** Gives up tickets that were held too long, and fits the consumers. */
  #untilNextChange(): number {
    const { runtime, timing, slots } = this.#deps;
    const now = runtime.clock.monotonicMs();
    let waitMs = this.#intake.adjust(slots - this.#busy.size);
    for (const slot of this.#busy) {
      if (!slot.ticket) continue;
      const leftMs = slot.sinceMs + timing.busyMs - now;
      if (leftMs > 0) {
        waitMs = Math.min(waitMs, leftMs);
        continue;
      }
      slot.ticket.ack();
      slot.ticket = undefined;
    }
    return Math.min(waitMs, Math.max(0, this.#askedAtMs + timing.claimIdleMs - now) || timing.claimIdleMs);
  }
}
