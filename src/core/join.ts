import { isFinal, type State } from './state.js';

/** When a task that comes after others may start. */
export const JOINS = ['all-success', 'all-final', 'any-success'] as const;
export type Join = (typeof JOINS)[number];

/** `skip`: it never may, whatever becomes of those that are still open. */
export type JoinVerdict = 'wait' | 'ready' | 'skip';

/** `states`: of everything that it comes after; undefined for a task that is gone, which nobody can wait for. */
export function judgeJoin(join: Join, states: readonly (State | undefined)[]): JoinVerdict {
  const completed = states.filter(state => state === 'completed').length;
  const over = states.filter(state => state === undefined || isFinal(state)).length;
  switch (join) {
    case 'all-success':
      return completed === states.length ? 'ready' : over > completed ? 'skip' : 'wait';
    case 'all-final':
      return over === states.length ? 'ready' : 'wait';
    case 'any-success':
      return completed > 0 ? 'ready' : over === states.length ? 'skip' : 'wait';
  }
}
