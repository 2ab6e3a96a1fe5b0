/**
 * Time and chance as ports: protocol code takes them from here, so that a simulation can replay it.
 * The real ones stand in `system.ts`.
 */
export interface Clock {
  /** Milliseconds on a clock that never jumps. The only basis of a judgement. */
  monotonicMs(): number;
  /** Wall clock, for display and log lines only. */
  wall(): Date;
}

export interface Timers {
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** A new random id (v4), for incarnations and tokens. */
  uuid(): string;
  /** A new time-ordered id (v7), for records. */
  id(): string;
}

export interface Runtime {
  clock: Clock;
  timers: Timers;
  random: Random;
}

/** Full jitter: uniform in [ms / 2, ms × 1.5), so that restarted fleets do not move in step. */
export function jittered(ms: number, random: Random): number {
  return ms * (0.5 + random.uniform());
}
