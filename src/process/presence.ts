import type { Registration } from '../core/process.js';
import { NameHeld, register, type RegistrationDeps } from './registration.js';
import { jittered } from './runtime.js';
import type { Service } from './service.js';

export interface PresenceDeps extends RegistrationDeps {
  /** Everything of the record but the incarnation, which is fresh for every registration. */
  identity: Omit<Registration, 'incarnation'>;
  /** After every good heartbeat, with the monotonic time at which it was begun. Must not throw; not waited for. */
  onBeat: (incarnation: string, startedAtMs: number) => void;
  /** The incarnation can no longer be trusted to be live: kill its children; resolves when they are gone. */
  onLost: (incarnation: string) => Promise<void>;
}

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

  /** Ends the heartbeat and says goodbye; call it when nothing of this incarnation runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
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
    await register(this.#deps, { ...identity, incarnation }, this.#stopping.signal);
    this.#incarnation = incarnation;
    this.#lastGoodMs = startedAtMs;
    this.#deps.onBeat(incarnation, startedAtMs);
  }

  async #live(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const waitMs = this.#incarnation === undefined ? await this.#comeBack() : await this.#beat(this.#incarnation);
      await this.#deps.runtime.timers.sleep(waitMs, this.#stopping.signal);
    }
  }

  /** One heartbeat; resolves with how long to wait for the next. */
  async #beat(incarnation: string): Promise<number> {
    const { processes, identity, timing, log } = this.#deps;
    const startedAtMs = this.#now();
    try {
      const mine = await processes.beat(identity.name, incarnation, timing.ttlMs, timing.heartbeatDeadlineMs);
      if (!mine) return await this.#lose(incarnation, 'the database says that this process is missing, stopped or replaced');
      this.#lastGoodMs = startedAtMs;
      this.#deps.onBeat(incarnation, startedAtMs);
      return Math.max(0, startedAtMs + timing.heartbeatMs - this.#now());
    } catch (error) {
      log.warn('A heartbeat failed.', { err: error, sinceLastGoodMs: Math.round(this.#now() - this.#lastGoodMs) });
    }
    const leftMs = this.#lastGoodMs + timing.selfFenceMs - this.#now();
    if (leftMs <= 0) return await this.#lose(incarnation, `no heartbeat succeeded for ${timing.selfFenceMs / 1_000} s`);
    return Math.min(leftMs, jittered(timing.heartbeatMs / 5, this.#deps.runtime.random));
  }

  async #lose(incarnation: string, why: string): Promise<number> {
    this.#incarnation = undefined;
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
