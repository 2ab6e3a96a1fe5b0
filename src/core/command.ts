import type { ProcessRecord } from './process.js';
import { STAGES, type Stage, type Wish } from './wish.js';

export type Command =
  | { action: 'pause' | 'resume' | 'drain' }
  | { action: 'shutdown'; stage: Stage }
  | { action: 'pool'; slots: number }
  | { action: 'pool'; grow: number };

export const MIN_SLOTS = 1;
/** A process for each slot, or a body in one process. */
export const MAX_SLOTS = { prefork: 512, async: 10_000 } as const;

type Commanded = Pick<ProcessRecord, 'incarnation' | 'slots' | 'pool' | 'wish' | 'heeded' | 'paused' | 'draining'>;

/** What is wanted of this worker from now on. `slots` that are out of bounds are a string that says so. */
export function nextWish(worker: Commanded, command: Command, id: string): Omit<Wish, 'at'> | string {
  const { wish, incarnation } = worker;
  const n = Math.max(wish?.n ?? 0, worker.heeded ?? 0) + 1;
  const before = {
    ...{ paused: wish?.paused ?? worker.paused ?? false, draining: wish?.draining ?? worker.draining ?? false },
    ...(wish?.slots && { slots: wish.slots }),
    ...(wish?.shutdown?.incarnation === incarnation && { shutdown: wish.shutdown }),
  };
  const next = { ...before, n, id };
  switch (command.action) {
    case 'pause':
      return { ...next, paused: true };
    case 'resume':
      return { ...next, paused: false, draining: false };
    case 'drain':
      return { ...next, paused: true, draining: true };
    case 'shutdown':
      return { ...next, shutdown: { incarnation, stage: later(before.shutdown?.stage, command.stage) } };
    case 'pool': {
      const count = 'slots' in command ? command.slots : slotsWanted(worker) + command.grow;
      const most = MAX_SLOTS[worker.pool ?? 'prefork'];
      if (count < MIN_SLOTS || count > most)
        return `${count} slots, expected ${MIN_SLOTS} to ${most} (pool ${worker.pool ?? 'prefork'})`;
      return { ...next, slots: { n, count } };
    }
  }
}

/** What a change counts from: a wish that is not heeded yet counts as if it were. */
function slotsWanted({ slots, wish, heeded = 0 }: Commanded): number {
  return wish?.slots && wish.slots.n > heeded ? wish.slots.count : slots;
}

/** The stages go one way. */
function later(before: Stage | undefined, asked: Stage): Stage {
  return before !== undefined && STAGES.indexOf(before) > STAGES.indexOf(asked) ? before : asked;
}

/** What the next process of this name takes over. Undefined: nothing was ever wanted. */
export function wishOfSuccessor(former: Pick<ProcessRecord, 'wish' | 'heeded'> | undefined): Wish | undefined {
  if (!former?.wish) return undefined;
  const { slots, ...rest } = former.wish;
  delete rest.shutdown;
  return { ...rest, ...(slots && slots.n > (former.heeded ?? 0) && { slots }) };
}
