/** The beat of the beat: when to look for due slots. Due times themselves live in the database. */
export interface Ticks {
  /** Resolves at the next full second, or as soon as `signal` aborts; never rejects. */
  next(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
