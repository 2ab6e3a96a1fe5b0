import { blockersOf } from './fifo-bound.js';

/** The life of a task as its record tells it: server times, in milliseconds. */
export interface Life {
  acceptedAt: number;
  startedAt: number;
  finishedAt: number;
  resources: readonly string[];
}

/**
 * How long each task, given in acceptance order, was runnable and not started, in milliseconds. It is runnable from the latest of three moments:
 * - it was accepted;
 * - every earlier task with which it shares a resource had ended;
 * - a slot was free for it: the n-th start of all (counted from 0, in order of time) needs `n - slots + 1` ends, so its slot is free at
 *   the moment of that end. Who is behind others that were runnable, too, thus waits for a slot as long as they take it.
 * Never below 0: a slot is free when its body has ended, a moment before the record says so.
 */
export function startDelays(lives: readonly Life[], slots: number): number[] {
  const blockers = blockersOf(lives.map(life => life.resources));
  const ends = lives.map(life => life.finishedAt).sort((a, b) => a - b);
  const starts = [...lives.keys()].sort((a, b) => lives[a]!.startedAt - lives[b]!.startedAt || a - b);
  const slotFreeAt = new Map(starts.map((index, start) => [index, ends[start - slots] ?? -Infinity]));
  return lives.map((life, index) => {
    const unblockedAt = blockers[index]!.map(blocker => lives[blocker]!.finishedAt);
    return Math.max(0, life.startedAt - Math.max(life.acceptedAt, slotFreeAt.get(index)!, ...unblockedAt));
  });
}
