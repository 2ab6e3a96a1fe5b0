/**
 * How a worker is asked to end: `warm` waits for what runs as long as the settings say, `soft` asks bodies to end at once (AbortSignal, SIGTERM,
 * at last SIGKILL), `cold` kills them.
 */
export const STAGES = ['warm', 'soft', 'cold'] as const;
export type Stage = (typeof STAGES)[number];

/** What somebody wants of a worker. It stands in the worker's record until the worker has read it there: no hint is needed for it, and none can forge it. */
export interface Wish {
  /** Each wish raises it; the worker says up to which it has heeded them. */
  n: number;
  /** Of the request that wrote the latest one, to recognise it where the answer was lost. */
  id: string;
  at: Date;
  /** Holds for the name until it is taken back, whatever process has that name. */
  paused: boolean;
  /** Paused, and what is bound to it and has not started goes to others. */
  draining: boolean;
  /** `n` of the wish that said so: heeded once, and not again by a later process, whose settings count. */
  slots?: { n: number; count: number };
  /** Of this one incarnation, never of its successor. */
  shutdown?: { incarnation: string; stage: Stage };
}
