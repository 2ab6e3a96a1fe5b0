import type { NewTask } from '../core/task.js';
import type { Acceptor } from './accept.js';

export type Accepting = Pick<Acceptor, 'accept' | 'acceptAll'>;

/** Asks before anything is accepted, with how many there are; what `mayAccept` throws is the answer. */
export function gated(acceptor: Accepting, mayAccept: (more: number) => Promise<void>): Accepting {
  return {
    async accept(task: NewTask) {
      await mayAccept(1);
      return acceptor.accept(task);
    },
    async acceptAll(tasks: NewTask[]) {
      await mayAccept(tasks.length);
      return acceptor.acceptAll(tasks);
    },
  };
}
