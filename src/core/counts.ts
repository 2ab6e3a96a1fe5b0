/**
 * What processes count, from their start on, and tell with their heartbeats. A fixed list: nothing in it grows with tasks, resources or queues.
 * `docs/operating.md` says what each means under its name as a metric.
 */
export const COUNTS = [
  'tasksAccepted',
  'grants',
  'terms',
  'sweeps',
  'sweepStepsFailed',
  'processesMissing',
  'tasksLost',
  'tasksExpired',
  'hintsMended',
  'hintsUnknown',
  'hintsEnded',
  'starts',
  'completed',
  'failed',
  'canceled',
  'skipped',
  'retried',
  'requeued',
  'overruled',
  'heartbeatsFailed',
  'selfFences',
  'brokerReconnects',
  'databaseReconnects',
  'channelsReplaced',
  'messagesReturned',
  'messagesDeferred',
  'messagesOversized',
  'messagesMalformed',
  'messagesNewer',
  'messagesForeign',
  'eventsDropped',
] as const;
export type Count = (typeof COUNTS)[number];

/** Only those that are not 0. */
export type Counts = Partial<Record<Count, number>>;

export type CountUp = (what: Count, n?: number) => void;

/** How a process does, at its last heartbeat. */
export interface Vitals {
  residentBytes: number;
  /** Used since it began. */
  cpuSeconds: number;
  /** 99 of 100 times since the heartbeat before, a timer was not later than this. */
  loopDelaySeconds: number;
}
