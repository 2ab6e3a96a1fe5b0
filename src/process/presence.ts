import type { CountUp } from '../core/counts.js';
import type { Registration, Told } from '../core/process.js';
import type { Wish } from '../core/wish.js';
import { NameHeld, register, type RegistrationDeps } from './registration.js';
import { jittered } from './runtime.js';
import type { Service } from './service.js';

export interface PresenceDeps extends RegistrationDeps {
  /** Everything of the record but the incarnation, which is fresh for every registration. */
  identity: Omit<Registration, 'incarnation'>;
  /** What it says of itself with each heartbeat, small; `types`, the bulk, are sent only when they are another list than before. */
  tell?: () => Partial<Told>;
  count?: CountUp;
  /**
   * After every good heartbeat, with the monotonic time at which it was begun and what is wanted of this process, if anything ever was. Must not throw; not
   * waited for.
   */
  onBeat: (incarnation: string, startedAtMs: number, wish: Wish | undefined) => void;
  /** The incarnation can no longer be trusted to be live: kill its children; resolves when they are gone. */
  onLost: (incarnation: string) => Promise<void>;
}

/** Between two heartbeats: hints that ask for one may be forged. */
const MIN_MS = 100;

/**
 * A process's registration and heartbeat (step 6). It runs on its own timer and its own database client, never behind task work.
 * Without a good heartbeat for `selfFenceMs`, counted from the start of the last good one, the children die first; only then does the
 * process come back under a new incarnation.
 */
export class Presence implements Service {
  readonly name = 'presence';
  readonly #deps: PresenceDeps;
  readonly #stopping = new AbortController();
  #incarnation: string | undefined;
  #lastGoodMs = 0;
  #running: Promise<void> | undefined;
  /** Ends the wait for the next heartbeat. */
  #waiting = new AbortController();
  /** Asked for while one was under way, which may have missed what it was asked for. */
  #again = false;
  #toldTypes: readonly string[] | undefined;

  constructor(deps: PresenceDeps) {
    this.#deps = deps;
  }

  /** Undefined while this process is not registered. */
  get incarnation(): string | undefined {
    return this.#incarnation;
  }

  /** Whether the last good heartbeat is young enough to act on. */
  get trusted(): boolean {
    return this.#incarnation !== undefined && this.#now() - this.#lastGoodMs < this.#deps.timing.selfFenceMs;
  }

  /** Registers once. Throws NameHeld when a live process has the name, StoreError when the database does not answer. */
  async start(): Promise<void> {
    await this.#register();
    this.#running = this.#live();
  }

  /** A heartbeat now: there is something to tell, or to be told. Not more often than every `MIN_MS`, whoever asks. */
  beatSoon(): void {
    this.#again = true;
    this.#waiting.abort();
  }

  /** Ends the heartbeat and says goodbye; call it when nothing of this incarnation runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waiting.abort();
    await this.#running;
    const incarnation = this.#incarnation;
    this.#incarnation = undefined;
    if (incarnation === undefined) return;
    await this.#deps.processes.stop(this.#deps.identity.name, incarnation).catch((error: unknown) => {
      this.#deps.log.warn('Could not say goodbye to the database; the sweep will notice.', { err: error });
    });
  }

  async #register(): Promise<void> {
    const { runtime, identity } = this.#deps;
    const incarnation = runtime.random.uuid(); // a try of unknown outcome may land later: never used again
    const startedAtMs = this.#now();
    const told = this.#deps.tell?.();
    const wish = await register(this.#deps, { ...identity, ...told, incarnation }, this.#stopping.signal);
    this.#toldTypes = told?.types;
    this.#incarnation = incarnation;
    this.#lastGoodMs = startedAtMs;
    this.#deps.onBeat(incarnation, startedAtMs, wish);
  }

  async #live(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const waitMs = this.#incarnation === undefined ? await this.#comeBack() : await this.#beat(this.#incarnation);
      await this.#rest(waitMs);
    }
  }

  async #rest(ms: number): Promise<void> {
    const { timers } = this.#deps.runtime;
    this.#waiting = new AbortController();
    if (this.#stopping.signal.aborted) return;
    if (!this.#again) await timers.sleep(ms, this.#waiting.signal);
    if (this.#again) await timers.sleep(Math.min(ms, MIN_MS), this.#stopping.signal);
    this.#again = false;
  }

  /** One heartbeat; resolves with how long to wait for the next. */
  async #beat(incarnation: string): Promise<number> {
    const { processes, identity, timing, log } = this.#deps;
    const startedAtMs = this.#now();
    const { types, ...told } = this.#deps.tell?.() ?? {};
    const fresh = types !== undefined && types !== this.#toldTypes;
    const lease = { ttlMs: timing.ttlMs, deadlineMs: timing.heartbeatDeadlineMs };
    try {
      const mine = await processes.beat(identity.name, incarnation, lease, fresh ? { ...told, types } : told);
      if (!mine) return await this.#lose(incarnation, 'the database says that this process is missing, stopped or replaced');
      this.#toldTypes = types;
      this.#lastGoodMs = startedAtMs;
      this.#deps.onBeat(incarnation, startedAtMs, mine.wish);
      return Math.max(0, startedAtMs + timing.heartbeatMs - this.#now());
    } catch (error) {
      this.#deps.count?.('heartbeatsFailed');
      log.warn('A heartbeat failed.', { err: error, sinceLastGoodMs: Math.round(this.#now() - this.#lastGoodMs) });
    }
    const leftMs = this.#lastGoodMs + timing.selfFenceMs - this.#now();
    if (leftMs <= 0) return await this.#lose(incarnation, `no heartbeat succeeded for ${timing.selfFenceMs / 1_000} s`);
    return Math.min(leftMs, jittered(timing.heartbeatMs / 5, this.#deps.runtime.random));
  }

  async #lose(incarnation: string, why: string): Promise<number> {
    this.#incarnation = undefined;
    this.#deps.count?.('selfFences');
    this.#deps.log.error(`Self-fence: ${why}. Children are killed first, then this process registers anew.`, { incarnation });
    await this.#deps.onLost(incarnation);
    return 0;
  }

  /** A former incarnation of ours is dead once its children are; they are, here. */
  async #comeBack(): Promise<number> {
    const { timing, log, runtime, identity } = this.#deps;
    try {
      await this.#register();
      log.info(`Registered again as "${identity.name}".`, { incarnation: this.#incarnation });
      return timing.heartbeatMs;
    } catch (error) {
      const held = error instanceof NameHeld;
      if (held) log.error(error.message);
      else log.warn('Could not register again yet.', { err: error });
      return jittered(held ? timing.ttlMs : timing.heartbeatMs / 5, runtime.random);
    }
  }

  #now(): number {
    return this.#deps.runtime.clock.monotonicMs();
  }
}
