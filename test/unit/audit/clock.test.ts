import { expect } from 'chai';

import { Ledger } from '../../../src/audit/ledger.js';
import type { Task } from '../../../src/core/task.js';
import { Model } from './model.js';

/** Two tasks that held `r` exclusively one after the other, then the second one moved in time. */
function twoHolds(byMs: number): Task[] {
  const at = (ms: number): Date => new Date(1_700_000_000_000 + ms);
  return [0, 1].map((n): Task => {
    const [from, to] = n === 0 ? [100, 200] : [210 + byMs, 300 + byMs];
    return {
      ...new Model(1).run(30).tasks[0]!,
      id: `t${n}`,
      seq: n + 1,
      exclusive: ['r'],
      shared: [],
      state: 'completed',
      attempt: 1,
      attempts: [
        {
          n: 1,
          worker: `w${n}`,
          incarnation: `i${n}`,
          token: `k${n}`,
          grant: { fence: 10 * n + 1, epoch: 1 },
          startedAt: at(from),
          finishedAt: at(to),
          reason: 'completed',
        },
      ],
      createdAt: at(-5_000),
      readyAt: at(-5_000),
      startedAt: at(from),
      finishedAt: at(to),
    };
  });
}

/** Without whatever came of the task that it was made of. */
function bare(task: Task): Task {
  const { error, reason, cancel, counted, ...rest } = task;
  expect([error, reason, cancel, counted]).to.have.length(4);
  return rest;
}

function rules(tasks: Task[], clockStepMs = 0): string[] {
  const ledger = new Ledger({ clockStepMs });
  for (const task of tasks) {
    ledger.add(bare(task));
  }
  return ledger.findings({ drained: true }).map(({ rule }) => rule);
}

describe('Times in the ledger', () => {
  it('that touch are no overlap; one millisecond more is', () => {
    expect(rules(twoHolds(-10))).to.deep.equal([]);
    expect(rules(twoHolds(-11))).to.deep.equal(['overlap']);
  });

  it('that contradict the fences without an overlap are told apart', () => {
    expect(rules(twoHolds(-1_000))).to.deep.equal(['fence']);
  });

  it('are excused by a clock that was set back at least as far', () => {
    expect(rules(twoHolds(-60), 50)).to.deep.equal([]);
    expect(rules(twoHolds(-60), 49)).to.deep.equal(['overlap']);
    expect(rules(twoHolds(-1_000), 2_000)).to.deep.equal([]);
  });

  it('say of an open hold only what was so when it was read', () => {
    const [ended, open] = twoHolds(0) as [Task, Task];
    const { finishedAt, ...early } = ended;
    const reading = { ...early, state: 'running' as const, attempts: [], startedAt: ended.startedAt! };
    const { worker, incarnation, token, grant, startedAt } = ended.attempts[0]!;
    const read = { ...reading, run: { worker, incarnation, token, at: startedAt }, grant: { ...grant!, at: startedAt } };
    const found = (readAt: Date): string[] => {
      const ledger = new Ledger();
      for (const task of [read, open]) {
        ledger.add(bare(task), readAt);
      }
      return ledger.findings({ drained: false }).map(({ rule }) => rule);
    };
    expect(found(new Date(finishedAt!.getTime() - 1)), 'it may have ended right after').to.deep.equal([]);
    expect(found(new Date(finishedAt!.getTime() + 60_000))).to.deep.equal(['overlap']);
  });

  it('keep memory of what they need only: 1,000 findings of a rule, the others counted', () => {
    const ledger = new Ledger();
    for (let n = 0; n < 1_500; n++) ledger.add({ id: `t${n}` });
    expect(ledger.findings({ drained: true })).to.have.length(1_000);
    expect(ledger.omitted).to.equal(500);
    expect(ledger.checked.tasks).to.equal(1_500);
  });
});
