import type { Timing } from '../core/timing.js';
import { Loop } from '../process/loop.js';
import { jittered, type Runtime } from '../process/runtime.js';
import type { Service } from '../process/service.js';
import { Ahead, type AheadDeps } from './ahead.js';
import { claim, type ClaimDeps, type Room } from './claim.js';
import { giveBack } from './give-back.js';
import { Intake, type IntakeDeps, type Ticket } from './intake.js';
import type { Claimed, Run } from './claimed.js';
import { Slots, type Place } from './slots.js';
import { TicketDebt } from './ticket-debt.js';

export interface ClaimLoopDeps extends ClaimDeps {
  events: AheadDeps['events'];
  intake: Omit<IntakeDeps, 'wake' | 'slots' | 'runtime' | 'timing'>;
  runtime: Runtime;
  timing: Timing;
  slots: number;
  /** Undefined while this process must not start anything. */
  incarnation: () => string | undefined;
  run: (claimed: Claimed, place: Place) => Run;
  /** Tickets that named these tasks were used up while there was nothing to start. */
  wasted?: (tasks: readonly string[]) => void;
}

/** After a lost race: long enough for the others to be done with their start, short enough not to be felt. */
const CONTENDED_MS = 20;

/**
 * Keeps the slots full: by tickets at once; by query every `claimIdleMs`, whether tickets come or not, since those of a backlog may be
 * lost, and whenever a slot is free while the last query left work behind.
 */
export class ClaimLoop implements Service {
  readonly name = 'claim loop';
  readonly #deps: ClaimLoopDeps;
  readonly #intake: Intake;
  readonly #loop: Loop;
  readonly #slots: Slots;
  readonly #ahead: Ahead;
  readonly #debt: TicketDebt;
  #askedAtMs = -Infinity;
  #askedForBoundAtMs = -Infinity;
  /** There were more than the last claim had room for, or there was none yet. */
  #backlog = true;
  /** The next one without a slot may run again, as far as is known. */
  #nextAgain = false;
  #closed = false;
  #paused = false;

  constructor(deps: ClaimLoopDeps) {
    this.#deps = deps;
    const { runtime, timing, slots, log } = deps;
    this.#intake = new Intake({ ...deps.intake, runtime, timing, slots, wake: () => this.#loop.wake() });
    this.#slots = new Slots({ ...deps, clock: runtime.clock, freed: () => this.#slotFreed() });
    this.#ahead = new Ahead({ ...deps, clock: runtime.clock });
    this.#debt = new TicketDebt(runtime.clock);
    this.#loop = new Loop({ name: this.name, everyMs: timing.claimIdleMs, runtime, log }, () => this.#round());
  }

  get busy(): number {
    return this.#slots.busy;
  }

  /** Starts that wait here for a slot. */
  get ahead(): number {
    return this.#ahead.size;
  }

  /** Starts whose end does not stand in the database yet. */
  get open(): number {
    return this.#slots.open;
  }

  /** Whether this start waits here for a slot. */
  isAhead(id: string): boolean {
    return this.#ahead.has(id);
  }

  /** Ends a cancelled task that waits here for a slot. Whether there was one. */
  cancelAhead(id: string): boolean {
    return this.#ahead.cancel(id);
  }

  /** Takes nothing more until it is resumed; what runs goes on, and what was claimed and has not begun goes back. */
  pause(): void {
    this.#paused = true;
    this.#intake.pause();
    void this.#ahead.empty();
  }

  resume(): void {
    this.#paused = false;
    this.#backlog = true;
    this.#intake.resume();
    this.#loop.wake();
  }

  /** So many slots from now on; what runs goes on. */
  resize(slots: number): void {
    this.#ahead.resize(slots);
    this.#intake.resize(slots);
    this.#slots.resize(slots);
    this.#loop.wake();
  }

  async start(): Promise<void> {
    this.#intake.open();
    await this.#loop.start();
  }

  /** Takes no more work; what runs goes on. */
  async stop(): Promise<void> {
    this.#closed = true;
    await this.#loop.stop();
    await Promise.all([this.#ahead.empty(), this.#intake.close()]);
  }

  async #round(): Promise<number> {
    const incarnation = this.#deps.incarnation();
    this.#ahead.dropOld(); // before a claim, which would take others in their place
    if (incarnation !== undefined && !this.#closed && !this.#paused) {
      const againInMs = await this.#fill(incarnation);
      if (againInMs !== undefined) return againInMs;
    }
    return this.#untilNextChange();
  }

  /** One claim, if there is a reason for it. Resolves with the milliseconds until the next one, if that is known. */
  async #fill(incarnation: string): Promise<number | undefined> {
    const { free } = this.#slots;
    const now = this.#deps.runtime.clock.monotonicMs();
    const bound = this.#mayBeBound(now);
    const tickets = this.#intake.takeTickets(free);
    if (free > 0 && (tickets.length > 0 || !this.#intake.consuming)) this.#debt.note(0);
    const room = this.#roomFor(tickets.length, now);
    const limit = room.free + room.ahead;
    if (limit === 0) return undefined;
    if (limit > tickets.length) this.#askedAtMs = now;
    if (bound) this.#askedForBoundAtMs = now;
    const redeem = this.#slots.promise(room.free);
    try {
      const claimed = await this.#ahead.duringClaim(() => claim(this.#deps, incarnation, room, bound));
      redeem(); // what was claimed begins in this very moment
      const { started, contended } = claimed;
      this.#backlog = contended || (claimed.more ?? (this.#backlog || tickets.length === 0));
      this.#nextAgain = claimed.nextAgain ?? this.#nextAgain;
      if (claimed.bound) this.#askedForBoundAtMs = -Infinity;
      // Fenced, and perhaps back under another name, while the answer was under way: the sweep ends those starts, so none may begin here.
      if (this.#deps.incarnation() !== incarnation) {
        for (const { task, token } of started) this.#deps.own.forget(task.id, token);
        this.#intake.giveBack(tickets);
        return undefined;
      }
      if (this.#paused) {
        for (const claimed of started) void giveBack(claimed, this.#deps);
        this.#intake.giveBack(tickets);
        return undefined;
      }
      this.#debt.incur(Math.max(0, started.length - tickets.length));
      this.#begin(started, tickets);
      const left = tickets.slice(started.length);
      if (contended) {
        // Others were quicker with these tasks; they left as many tickets for whatever else there is.
        this.#intake.putBack(left);
        return jittered(CONTENDED_MS, this.#deps.runtime.random);
      }
      this.#useUp(left, tickets, started);
      return this.#intake.waiting > 0 && started.length < free ? 0 : undefined;
    } catch (error) {
      this.#intake.giveBack(tickets);
      throw error;
    } finally {
      redeem();
      this.#slots.admit(); // to what the claim has left
    }
  }

  /**
   * Nothing is left to start: the tasks of these went to somebody who had no ticket, or were no work. Which of all these is told by name, as each ticket
   * starts whatever is best.
   */
  #useUp(left: readonly Ticket[], tickets: readonly Ticket[], started: readonly Claimed[]): void {
    for (const ticket of left) ticket.ack();
    if (left.length === 0) return;
    const begun = new Set(started.map(({ task }) => task.id));
    this.#deps.wasted?.(tickets.map(({ task }) => task).filter(task => !begun.has(task)));
  }

  /**
   * Bound tasks have tickets of their own; those may be lost, or used for others, so each look by time asks for them too, and each claim as long as there
   * are some. A dedicated worker has no others.
   */
  #mayBeBound(now: number): boolean {
    const { queues, timing } = this.#deps;
    const due = now - Math.min(this.#askedAtMs, this.#askedForBoundAtMs) >= timing.claimIdleMs;
    return queues.length === 0 || this.#intake.ownWaiting || due;
  }

  /** Without tickets only as many as are owed at most; ahead of slots only while there is a backlog, so that nothing is taken from others. */
  #roomFor(tickets: number, now: number): Room {
    const { free } = this.#slots;
    const byQuery = this.#backlog || now - this.#askedAtMs >= this.#deps.timing.claimIdleMs;
    if (!byQuery) return { free: tickets, ahead: 0 };
    const { credit } = this.#debt;
    const forFree = Math.min(free, tickets + credit);
    const mayAhead = this.#backlog && this.#nextAgain;
    return { free: forFree, ahead: mayAhead ? Math.min(this.#ahead.room, tickets + credit - forFree) : 0 };
  }

  /** What finds no slot was claimed ahead, unless there are fewer than when these were claimed. */
  #begin(started: readonly Claimed[], tickets: readonly Ticket[]): void {
    const { free } = this.#slots;
    started.slice(0, free).forEach((claimed, index) => void this.#slots.occupy(claimed, tickets[index]));
    for (const ticket of tickets.slice(free, started.length)) ticket.ack();
    this.#ahead.add(started.slice(free));
  }

  #slotFreed(): void {
    this.#ahead.slotFreed();
    while (this.#slots.free > 0 && !this.#closed && !this.#paused) {
      const next = this.#ahead.take();
      if (!next) break;
      void this.#slots.occupy(next, undefined);
    }
    this.#intake.slotFreed();
    this.#loop.wake();
  }

  /** Gives up tickets that were held too long, and fits the consumers. */
  #untilNextChange(): number {
    const { runtime, timing } = this.#deps;
    const now = runtime.clock.monotonicMs();
    if (this.#paused) return Math.min(timing.claimIdleMs, this.#slots.dropOldTickets());
    this.#payDebt();
    let waitMs = Math.min(this.#debt.waitMs, Math.max(0, this.#askedAtMs + timing.claimIdleMs - now) || timing.claimIdleMs);
    waitMs = Math.min(waitMs, this.#intake.adjust(this.#slots.idle + this.#debt.owed));
    return Math.min(waitMs, this.#slots.dropOldTickets(), this.#ahead.dropOld());
  }

  #payDebt(): void {
    const tickets = this.#intake.takeTickets(this.#debt.owed);
    if (tickets.length === 0) return;
    this.#debt.note(tickets.length);
    if (tickets.some(({ source }) => source.to === 'worker')) this.#askedForBoundAtMs = -Infinity;
    this.#slots.keep(tickets);
  }
}
