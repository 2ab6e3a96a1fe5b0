import type { TaskEvent } from '../../../src/core/event.js';
import type { Control, Hint } from '../../../src/core/hint.js';

/** What network and server do to messages. All chance and all time of the simulated broker come from here. */
export interface Weather {
  /** Fate of one message on its way to one receiver: one number for each copy that arrives, in ms from now; `[]` is lost. */
  fate(message: Hint | Control | TaskEvent): number[];
  /** Calls `work` after `ms` of simulated time, never within this call. */
  later(ms: number, work: () => void): void;
}
