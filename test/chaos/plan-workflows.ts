import { JOINS, type Join } from '../../src/core/join.js';
import type { SeededRandom } from '../support/random.js';
import { taskWish, type TaskWish } from './plan-load.js';

/** A member of a workflow: `after` are the labels of others. */
export interface MemberWish extends TaskWish {
  after: string[];
  join: Join;
}

/** All of them are stored, or none; sent with an idempotency key until the answer is clear. */
export interface WorkflowWish {
  at: number;
  kind: 'workflow';
  members: MemberWish[];
}

const MAX_MEMBERS = 40;

/** Most are small, some have forty members: any graph without a way round, any join. */
export function planWorkflows(random: SeededRandom, lengthMs: number, count: number): WorkflowWish[] {
  return Array.from({ length: count }, (_, workflow): WorkflowWish => {
    const size = 2 + Math.floor((random.below(1_000) / 1_000) ** 2 * (MAX_MEMBERS - 1));
    const labels = Array.from({ length: size }, (_member, place) => `w${workflow}.${place}`);
    const members = labels.map((label, place): MemberWish => {
      const task = taskWish(random, label);
      delete task.countdownMs;
      delete task.expiresMs;
      const before = labels.slice(0, place);
      const after = before.filter(() => random.below(before.length) < 2);
      return {
        ...task,
        ms: task.limits ? task.ms : Math.min(task.ms, 500),
        after,
        join: JOINS[random.below(JOINS.length)] ?? 'all-success',
      };
    });
    return { at: random.below(lengthMs), kind: 'workflow', members };
  });
}
