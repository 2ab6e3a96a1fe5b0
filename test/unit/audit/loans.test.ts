import { expect } from 'chai';

import { checkHistory, type Finding } from '../../../src/audit/history.js';
import type { Task } from '../../../src/core/task.js';

const EPOCH = 1_700_000_000_000;

/** A task that held `r` from one second to another. */
function held(id: string, fence: number, [from, to]: [number, number], under?: Task['under']): Task {
  const at = (second: number): Date => new Date(EPOCH + 1_000 * second);
  return {
    ...{ id, seq: fence, name: 'x', args: [], kwargs: {}, queue: 'default', priority: 4 },
    ...{ exclusive: ['r'], shared: [], state: 'completed', attempt: 1, maxAttempts: 1, onWorkerLoss: 'cancel' },
    attempts: [
      {
        ...{ n: 1, worker: 'w', incarnation: 'i', token: `t-${id}`, grant: { fence, epoch: 1 } },
        ...{ startedAt: at(from), finishedAt: at(to), reason: 'completed' },
      },
    ],
    ...{ progress: [], createdResources: [], correlationId: 'c', tags: [], result: null },
    ...{ createdAt: at(0), readyAt: at(0), startedAt: at(from), finishedAt: at(to) },
    ...(under && { under }),
  };
}

function overlaps(...tasks: Task[]): string[][] {
  const bodies = tasks.map(({ id, startedAt, finishedAt }) => {
    const [begin, last] = [startedAt!.getTime() - EPOCH, finishedAt!.getTime() - EPOCH];
    return { task: id, attempt: 1, begin, last, ended: true };
  });
  const found = checkHistory({ tasks, bodies, drained: true });
  expect(found.filter(({ rule }) => rule !== 'overlap')).to.deep.equal([]);
  const pairs = found.map(({ tasks: both }: Finding) => [...both].sort());
  return [...new Map(pairs.map(pair => [pair.join(), pair])).values()];
}

describe('an audit of tasks that lend what they hold', () => {
  const lender = held('lender', 1, [1, 10]);
  const byLender = { task: 'lender', fence: 1 };

  it('takes a lender and its borrower, and a borrower of that one, for no overlap', () => {
    const borrower = held('borrower', 2, [2, 6], byLender);
    const second = held('second', 3, [3, 5], { task: 'borrower', fence: 2 });
    expect(overlaps(lender, borrower, second)).to.deep.equal([]);
    expect(overlaps(lender, held('longer', 2, [2, 12], byLender))).to.deep.equal([]);
  });

  it('still finds two borrowers together, also where their lender was there all the time', () => {
    const [a, b] = [held('a', 2, [2, 5], byLender), held('b', 3, [4, 7], byLender)];
    expect(overlaps(lender, a, b)).to.deep.equal([['a', 'b']]);
  });

  it('accepts nobody else, and no other grant than the one that was lent', () => {
    expect(overlaps(lender, held('stranger', 2, [2, 5]))).to.deep.equal([['lender', 'stranger']]);
    const late = held('late', 2, [2, 5], { task: 'lender', fence: 7 });
    expect(overlaps(lender, late)).to.deep.equal([['late', 'lender']]);
    const outlived = held('outlived', 2, [2, 12], byLender);
    expect(overlaps(lender, outlived, held('next', 3, [11, 13]))).to.deep.equal([['next', 'outlived']]);
  });
});
