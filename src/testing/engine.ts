import { endDelays } from '../beat/delays.js';
import { createDueSlots } from '../beat/slots.js';
import { cancelTask, cancelTree, cancelUnlessFinal, type CancelDeps } from '../dispatch/cancel.js';
import type { Control } from '../core/hint.js';
import { Awaits } from '../worker/awaiting/awaits.js';
import { claim } from '../worker/claim.js';
import { Familiarity } from '../worker/familiarity.js';
import { LateOutcomes } from '../worker/late-outcomes.js';
import { OwnTasks } from '../worker/own-tasks.js';
import { runTask, type RunDeps } from '../worker/run-task.js';
import { LastExits } from '../worker/last-exits.js';
import { Recorder } from '../worker/recorder.js';
import type { Task } from '../core/task.js';
import type { TaskStore } from '../store/store.js';
import { LabError } from './errors.js';
import { Granter } from './granter.js';
import type { LabParts } from './parts.js';
import { turn } from './real-time.js';

/** One page of what is due, and of what has expired. */
const PAGE = 500;
/** So many rounds without time passing are no program, but a circle. */
const MAX_ROUNDS = 10_000;
const INCARNATION = 'lab';

/**
 * Does, one after another and by the very code of the roles, what they do at the same time: slots, delays, expiries, joins, grants, starts. Time stands
 * still meanwhile.
 */
export class Engine {
  readonly #parts: LabParts;
  readonly #granter: Granter;
  readonly #own = new OwnTasks();
  readonly #familiar: Familiarity;
  readonly #awaits: Awaits;
  readonly #run: RunDeps;
  /** Whether a beat lives. */
  #beat = true;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: LabParts, more: Pick<RunDeps, 'spawn' | 'service'>) {
    const { store, pool, hints, events, dependents, runtime, log } = parts;
    this.#parts = parts;
    this.#granter = new Granter(parts);
    const recorder = new Recorder({ tasks: store.tasks, runtime, log, trusted: () => true });
    const random = (): number => runtime.random.uniform();
    this.#familiar = new Familiarity({ types: () => pool.types, clock: runtime.clock, log });
    this.#awaits = new Awaits({ ...store, pool, runtime, log, maxAwaiting: Infinity, trusted: () => true });
    this.#run = {
      ...more,
      pool,
      own: this.#own,
      recorder,
      exits: new LastExits(),
      tasks: store.tasks,
      hints,
      events,
      familiar: this.#familiar,
      awaits: this.#awaits,
      late: new LateOutcomes({ tasks: store.tasks, runtime, log }),
      waits: store.waits,
      dependents,
      random,
      log,
    };
  }

  /** Until nothing can happen without time passing. Throws LabError. */
  settle(): Promise<void> {
    return this.#inTurn(() => this.#settle());
  }

  /** Virtual time goes on to `untilMs`, from one thing that is due to the next. Without a beat, what only a beat does waits for the end. */
  advance(untilMs: number, beat: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const { time } = this.#parts;
      await this.#settle();
      this.#beat = beat;
      try {
        for (let next = this.#nextMs(); next <= untilMs; next = this.#nextMs()) {
          time.moveTo(next);
          await this.#settle();
        }
      } finally {
        this.#beat = true;
      }
      time.moveTo(untilMs);
      await this.#settle();
    });
  }

  cancel(id: string, tree: boolean): Promise<Task> {
    const deps = this.#cancelDeps();
    return tree ? cancelTree(deps, id, 'lab') : cancelTask(deps, id, 'lab');
  }

  #cancelDeps(): CancelDeps & { tasks: TaskStore } {
    const { store, hints, events, dependents, pool } = this.#parts;
    const broadcast = (message: Control): void => {
      if (message.kind === 'cancel') pool.cancel(message.task, 'user');
    };
    return { tasks: store.tasks, hints, events, dependents, broker: { broadcast } };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined); // the asker hears of the error
    return result;
  }

  async #settle(): Promise<void> {
    const { changes, pool, patienceMs } = this.#parts;
    for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
      const before = changes.count;
      await this.#round();
      await turn();
      this.#complain();
      if (pool.places.letBack(pool.slots - pool.busy)) continue;
      if (changes.count !== before) continue;
      if (pool.active.length === 0) return;
      if (!(await pool.change(patienceMs))) this.#losePatience();
    }
    throw new LabError(
      `After ${MAX_ROUNDS} rounds there is still something to do, and no time has passed: do tasks start one another in a circle?`,
    );
  }

  async #round(): Promise<void> {
    if (this.#beat) await this.#tick();
    await this.#awaits.look();
    await this.#granter.runOnce();
    while (await this.#startOne());
  }

  /** What a beat does. */
  async #tick(): Promise<void> {
    const { store, hints, events, dependents, log, submitSlot } = this.#parts;
    await createDueSlots(
      {
        schedules: store.schedules,
        tasks: store.tasks,
        submit: submitSlot,
        cancel: async id => {
          await cancelUnlessFinal(this.#cancelDeps(), id, 'schedule');
        },
        log,
      },
      () => true,
    );
    while ((await endDelays({ tasks: store.tasks, hints, events }, PAGE)) === PAGE);
    while ((await store.tasks.expire(PAGE)).length === PAGE);
    for (let seq: number | undefined = 0; seq !== undefined;) seq = await dependents.sweep(seq);
  }

  async #startOne(): Promise<boolean> {
    const { store, pool, runtime, hints, log, worker, queues } = this.#parts;
    if (pool.busy >= pool.slots) return false;
    const deps = { tasks: store.tasks, own: this.#own, familiar: this.#familiar, runtime, hints, log, worker, queues: queues() };
    const { started } = await claim(deps, INCARNATION, { free: 1, ahead: 0 }, false);
    for (const claimed of started) void runTask(claimed, pool.places.of(claimed.task.id), this.#run);
    return started.length > 0;
  }

  /** The next time at which anything is due, in milliseconds since 1970. What is due already and could not be done is passed over. */
  #nextMs(): number {
    const { db, time } = this.#parts;
    const now = time.now.getTime();
    const dates = Number.isFinite(this.#granter.turnInMs) ? [new Date(now + this.#granter.turnInMs)] : [];
    if (this.#beat) {
      for (const { state, dueAt, expiresAt } of db.tasks.open()) {
        if (state === 'waiting' && dueAt) dates.push(dueAt);
        if (state === 'waiting' && expiresAt) dates.push(expiresAt);
      }
      for (const { nextAt } of db.schedules.values()) if (nextAt) dates.push(nextAt);
    }
    return dates
      .map(date => date.getTime())
      .filter(ms => ms > now)
      .reduce((a, b) => Math.min(a, b), time.nextMs);
  }

  #complain(): void {
    const [problem] = this.#parts.problems.splice(0);
    if (problem) throw problem;
  }

  #losePatience(): void {
    const { pool, patienceMs, view } = this.#parts;
    for (const body of pool.active) if (body.canceled !== undefined) body.leave();
    const first = pool.active[0]?.facts;
    if (!first) return;
    const message = `Task ${first.id} "${first.name}" has done nothing for ${patienceMs} ms of real time, and has not ended: it waits for something that is no part of the lab. Let it wait by ctx.sleep, or give createLab a longer \`patience\`.`;
    throw new LabError(message, view(first.id));
  }
}
