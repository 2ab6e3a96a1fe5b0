const KIB = 1_024;

/** What the streams of one API may take. Tests run some of it smaller, or faster. */
export interface EventLimits {
  /** Open streams; a further one is refused. */
  readers: number;
  /** What a reader that comes back can be told again. */
  ringEvents: number;
  ringBytes: number;
  /** What may wait for one reader; of all together, shared among them. */
  backlogBytes: number;
  backlogsBytes: number;
  /** A reader that takes nothing for this long, although something waits, is let go. */
  slowMs: number;
  heartbeatMs: number;
  /** Streams are compared with the database this often. */
  compareMs: number;
  /** A stream begins after so long also where the broker is away. */
  liveMs: number;
  /** What was told is kept for so long after the last reader has left. */
  lingerMs: number;
}

export const DEFAULT_EVENT_LIMITS: EventLimits = {
  readers: 500,
  ringEvents: 5_000,
  ringBytes: 4_096 * KIB,
  backlogBytes: 256 * KIB,
  backlogsBytes: 32_768 * KIB,
  slowMs: 60_000,
  heartbeatMs: 15_000,
  compareMs: 5_000,
  liveMs: 2_000,
  lingerMs: 60_000,
};
