import { jittered, type Runtime } from '../../process/runtime.js';
import type { Log } from '../../process/log.js';
import { TaskModuleError } from '../../tasks/load-modules/load-modules.js';
import type { PoolStats } from '../pool.js';
import { monotonicMs } from './budget.js';
import type { ChildHandle } from './child-handle.js';
import type { Cause, Death } from './death.js';
import { deferred } from './deferred.js';

export interface SupplyOptions<Child extends ChildHandle> {
  /** How many children there are to be; asked whenever that matters, and `fit` says that it has changed. */
  wanted: () => number;
  /** How many may be starting at a time. */
  startsAtOnce: number;
  /** Throws when the system refuses. */
  create: () => Child;
  onReady: (child: Child) => void;
  onGone: (child: Child) => void;
  log: Log;
  runtime: Runtime;
}

/** After a child that died before it was ready: 250 ms, doubling up to 30 s. */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;
/** So often may children die at their start before a pool that never had one says that it cannot work. */
const FIRST_TRIES = 3;

/** Keeps as many children alive as are wanted. */
export class Supply<Child extends ChildHandle> {
  readonly children = new Set<Child>();
  /** What the last child to be ready has loaded; another list only when it is another. */
  types: readonly string[] = [];
  readonly #options: SupplyOptions<Child>;
  readonly #stopping = new AbortController();
  readonly #first = deferred<undefined>();
  /** Alive, and no longer among those that are wanted. */
  readonly #replaced = new Set<Child>();
  #running = false;
  #starting = 0;
  #failures = 0;
  #pausing = false;
  #deadlineMs: number | undefined;
  /** By children that are gone. */
  #tasksRun = 0;

  constructor(options: SupplyOptions<Child>) {
    this.#options = options;
    this.#first.promise.catch(() => undefined); // `start` hands it to whoever looks
  }

  /** Resolves when the first child is ready. Rejects with TaskModuleError, or Error when children die at their start. */
  start(): Promise<undefined> {
    this.#running = true;
    this.#fill();
    return this.#first.promise;
  }

  /** Whether children must be dead by now: then none is started, and no task. */
  get expired(): boolean {
    return this.#deadlineMs !== undefined && monotonicMs() >= this.#deadlineMs;
  }

  /** How many more there are than are wanted; those that are being ended do not count. */
  get surplus(): number {
    const wanted = this.#options.wanted();
    if (this.children.size <= wanted) return 0; // most often
    const going = [...this.children].filter(child => child.alive && child.cause === undefined && !this.#replaced.has(child));
    return Math.max(0, going.length - wanted);
  }

  get tasksRun(): number {
    return [...this.children].reduce((sum, child) => sum + child.tasksRun, this.#tasksRun);
  }

  /** The living, for `PoolStats`. */
  get shown(): PoolStats['children'] {
    const living = [...this.children].filter(child => child.alive);
    return living.map(({ identity: { pid, startTicks }, tasks, tasksRun, retired }) => ({
      pid,
      startTicks,
      tasks,
      tasksRun,
      retired,
    }));
  }

  /** By the runtime's clock. */
  extendDeadline(deadlineMs: number): void {
    // Children judge by CLOCK_MONOTONIC, which may be another. Read in this order a pause between the two makes the deadline earlier.
    const here = monotonicMs();
    const ofChildren = here + (deadlineMs - this.#options.runtime.clock.monotonicMs());
    this.#deadlineMs = ofChildren;
    for (const child of this.children) child.extendDeadline(ofChildren);
    this.#fill();
  }

  /** Another number is wanted. Which of too many are to go is for the pool to say. */
  fit(): void {
    this.#fill();
  }

  /** Starts another in its place now, while it goes on. */
  replace(child: Child): void {
    if (!this.children.has(child)) return;
    this.#replaced.add(child);
    this.#fill();
  }

  /** Kills every child; resolves when all are gone. */
  async endAll(cause: Cause): Promise<void> {
    await Promise.all([...this.children].map(child => child.end(cause)));
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#stopping.abort();
    this.#first.reject(new Error('The pool was stopped before a child was ready.'));
    await this.endAll({ kind: 'stop' });
  }

  #fill(): void {
    const { wanted, startsAtOnce } = this.#options;
    const maySpawn = (): boolean => this.#running && !this.#pausing && !this.expired && this.#starting < startsAtOnce;
    while (maySpawn() && this.children.size - this.#replaced.size < wanted()) {
      this.#starting += 1;
      void this.#startOne().finally(() => {
        this.#starting -= 1;
        this.#fill();
      });
    }
  }

  async #startOne(): Promise<void> {
    let child: Child | undefined;
    try {
      const born = this.#options.create();
      child = born;
      this.children.add(born);
      void born.gone.then(death => this.#forget(born, death));
      born.load(this.#deadlineMs);
      this.#learn(await born.ready);
      this.#first.resolve(undefined);
      if (born.alive && born.cause === undefined) this.#options.onReady(born); // else its end has been noticed, or will be
    } catch (error) {
      const meant = child?.cause?.kind === 'worker-lost' || child?.cause?.kind === 'stop';
      if (!meant) await this.#startFailed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #startFailed(error: Error): Promise<void> {
    this.#failures += 1;
    if (error instanceof TaskModuleError || this.#failures >= FIRST_TRIES) this.#first.reject(error);
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), MAX_PAUSE_MS);
    const { runtime, log } = this.#options;
    log.error(`A child process did not come to work; the next is tried in about ${pauseMs} ms: ${error.message}`);
    this.#pausing = true;
    await runtime.timers.sleep(jittered(pauseMs, runtime.random), this.#stopping.signal);
    this.#pausing = false;
  }

  #learn(types: readonly string[]): void {
    if (types.length !== this.types.length || types.some((type, index) => type !== this.types[index])) this.types = types;
  }

  #forget(child: Child, death: Death): void {
    this.#tasksRun += child.tasksRun;
    this.children.delete(child);
    this.#replaced.delete(child);
    this.#options.onGone(child);
    if (child.tasksRun > 0) this.#failures = 0;
    const unasked = child.cause === undefined && child.loaded;
    // Modules may start what kills the child a moment later: that must not become a storm of starts.
    if (unasked && child.tasksRun === 0) void this.#startFailed(new Error(died(death))).then(() => this.#fill());
    else if (unasked && death.idle) this.#options.log.warn(died(death), { child: child.identity.pid });
    this.#fill();
  }
}

function died({ exit }: Death): string {
  return `An idle child process died (${exit.signal ?? `status ${exit.code ?? 'unknown'}`}).`;
}
