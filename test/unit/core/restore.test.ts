import { expect } from 'chai';

import { contradictionsOf } from '../../../src/audit/legality.js';
import { beyond, highest, restoredTask } from '../../../src/core/restore.js';
import type { Task } from '../../../src/core/task.js';

const AT = new Date('2026-02-01T00:00:00.000Z');
const EARLIER = new Date('2026-01-31T00:00:00.000Z');

function task(change: Partial<Task> & { uniqueKey?: string } = {}): Task & { uniqueKey?: string } {
  return {
    ...{ id: 'a', seq: 5, name: 't', args: [], kwargs: {}, queue: 'default', priority: 4, exclusive: [], shared: [] },
    ...{ state: 'waiting', waitingFor: 'worker', attempt: 0, maxAttempts: 3, onWorkerLoss: 'requeue', attempts: [] },
    ...{ progress: [], createdResources: [], correlationId: 'c', tags: [], createdAt: EARLIER, readyAt: EARLIER },
    ...change,
  };
}

const grant = { fence: 7, epoch: 2, at: EARLIER };
const run = { worker: 'w', incarnation: 'i', token: 't', at: EARLIER };
const holding = task({ exclusive: ['r'], grant });
const running = task({ ...holding, state: 'running', run, attempt: 1, startedAt: EARLIER, uniqueKey: 'u' });
delete running.waitingFor;
const canceling = { ...running, state: 'canceling' as const, cancel: { at: EARLIER, by: 'me', reason: 'user' as const } };
const OPEN: [string, Task][] = [
  ['waits for a worker', task()],
  ['holds what it was granted', holding],
  ['stands in line', task({ exclusive: ['r'], waitingFor: 'resources' })],
  ['is delayed', task({ waitingFor: 'delay', dueAt: AT })],
  ['waits for others', task({ waitingFor: 'dependencies', after: [{ node: 'x', id: 'b' }] })],
  ['runs', running],
  ['is being cancelled', canceling],
];

describe('a task in a restored database', () => {
  const cancel = { at: AT, requeue: false, seqShift: 1_000 };
  const requeue = { ...cancel, requeue: true };

  for (const [what, before] of OPEN) {
    it(`that ${what} is canceled, and its record contradicts nothing`, () => {
      const after = restoredTask(before, cancel);
      expect(after).to.include({ state: 'canceled', reason: 'restored', seq: before.seq });
      expect(after.finishedAt).to.deep.equal(AT);
      for (const field of ['grant', 'run', 'waitingFor', 'dueAt', 'uniqueKey']) expect(after).not.to.have.property(field);
      expect(contradictionsOf(after, 0)).to.deep.equal([]);
    });

    it(`that ${what} is queued again where it may be, and its record contradicts nothing`, () => {
      const after = restoredTask(before, requeue);
      if (before.state === 'canceling') expect(after.state, 'a cancel stands').to.equal('canceled');
      else expect(after).to.include({ state: 'waiting', seq: 1_005 });
      for (const field of ['grant', 'run', 'startedAt']) if (after.state === 'waiting') expect(after).not.to.have.property(field);
      expect(contradictionsOf(after, 0)).to.deep.equal([]);
    });
  }

  it('is canceled in spite of --requeue where its type forbids a second start, where no start is left, and where it is damaged', () => {
    expect(restoredTask(task({ onWorkerLoss: 'cancel' }), requeue).state).to.equal('canceled');
    expect(restoredTask({ ...running, maxAttempts: 1 }, requeue).state).to.equal('canceled');
    expect(restoredTask(task(), requeue, true).state).to.equal('canceled');
  });

  it('keeps what it waits for besides resources, which it has to get anew', () => {
    expect(restoredTask(holding, requeue)).to.include({ waitingFor: 'resources' });
    expect(restoredTask(task({ waitingFor: 'delay', dueAt: AT, exclusive: ['r'] }), requeue)).to.include({ waitingFor: 'delay' });
    expect(restoredTask(running, requeue).waitingFor).to.equal('resources');
    expect(restoredTask(task(), requeue)).to.deep.include({ waitingFor: 'worker', readyAt: AT });
  });

  it('tells of the start that was under way, and of who cancelled it before', () => {
    const [ended] = restoredTask(running, cancel).attempts;
    expect(ended).to.deep.equal({
      ...{ n: 1, worker: 'w', incarnation: 'i', token: 't', startedAt: EARLIER, finishedAt: AT, reason: 'restored' },
      grant: { fence: 7, epoch: 2 },
    });
    expect(restoredTask(canceling, cancel).cancel).to.include({ by: 'me' });
    expect(restoredTask(task(), cancel).cancel).to.include({ by: 'restore' });
    const report = { code: 'x', message: '', done: 0, total: null, suffix: null, state: 'running' as const };
    expect(restoredTask({ ...running, progress: [report] }, cancel).progress[0]?.state).to.equal('canceled');
  });

  it('does not fail on a record of which little is left', () => {
    const ruin = { id: 'a', state: 'nonsense', run: {} } as unknown as Task;
    expect(restoredTask(ruin, requeue, true).state).to.equal('canceled');
  });
});

describe('numbers after a restore', () => {
  const given = { seq: 10, fence: 20, epoch: 3, generation: 1 };

  it('lie beyond whatever may have been given since the cut', () => {
    const next = beyond(given, EARLIER, AT);
    expect(next.seq).to.be.greaterThan(86_400 * 1_000_000);
    expect(next.fence).to.be.greaterThan(86_400 * 1_000_000);
    expect(next.epoch).to.be.greaterThan(86_400);
    expect(next.generation).to.equal(2);
    expect(beyond(given, AT, AT).fence, 'also at once').to.be.greaterThan(1_000_000);
  });

  it('go further with each restore of one and the same backup', () => {
    const first = beyond(given, EARLIER, AT);
    const second = beyond(given, EARLIER, new Date(AT.getTime() + 10_000));
    expect(second.fence - first.fence).to.equal(10_000_000);
  });

  it('heed what the database has that is replaced', () => {
    expect(highest(given, { seq: 5, fence: 99, epoch: 9, generation: 7 })).to.deep.equal({
      seq: 10,
      fence: 99,
      epoch: 9,
      generation: 7,
    });
  });

  it('can be held for centuries', () => {
    const century = new Date(EARLIER.getTime() + 100 * 365 * 86_400_000);
    expect(beyond(given, EARLIER, century).fence).to.be.lessThan(Number.MAX_SAFE_INTEGER);
  });
});
