import { expect } from 'chai';

import { overtakings } from '../../../src/audit/overtaking.js';
import type { Attempt, Task } from '../../../src/core/task.js';
import { Model } from './model.js';

const at = new Date(1_700_000_000_000);

/** One that ran, whose starts had grants with these fences. */
function ran(id: string, fences: number[], change: Partial<Task>): Task {
  const attempts = fences.map((fence, index): Attempt => {
    const start = { n: index + 1, worker: 'w', incarnation: 'i', token: `${id}${index}` };
    return { ...start, grant: { fence, epoch: 1 }, startedAt: at, finishedAt: at, reason: 'completed' };
  });
  const task: Task = { ...new Model(1).run(30).tasks[0]!, id, exclusive: [], shared: [], attempts };
  delete task.counted;
  return { ...task, ...change };
}

/** The first was asked for and answered before the second was; the bodies began the other way round. */
function found(earlier: Task, later: Task, attempt = 1): string[] {
  const span = (task: Task, n: number, begin: number) => ({ task: task.id, attempt: n, begin, last: begin + 1, ended: true });
  const asked = ({ id }: Task, ms: number) => ({ id, askedAt: ms, answeredAt: ms + 1, outcome: 'ok' as const });
  const bodies = [span(later, 1, 100), span(earlier, attempt, 200)];
  const capacities = new Map([['gpu', 4]]);
  return [...overtakings([earlier, later], { bodies, capacities, submissions: [asked(earlier, 0), asked(later, 10)] })].map(
    ({ tasks }) => tasks.join(' before '),
  );
}

describe('Overtaking', () => {
  it('is found on one name, and between a pattern and what lies beneath', () => {
    expect(found(ran('a', [1], { exclusive: ['r'] }), ran('b', [2], { exclusive: ['r'] }))).to.deep.equal(['b before a']);
    expect(found(ran('a', [1], { exclusive: ['r/x'] }), ran('b', [2], { shared: ['r/**'] }))).to.deep.equal(['b before a']);
    expect(found(ran('a', [1], { exclusive: ['r/**'] }), ran('b', [2], { exclusive: ['rx'] }))).to.deep.equal([]);
  });

  it('of units is none where both fit: those who have them together begin in any order', () => {
    const counts = (id: string, units: number): Task => ran(id, [1], { counted: [{ name: 'gpu', units }] });
    expect(found(counts('a', 2), counts('b', 2))).to.deep.equal([]);
    expect(found(counts('a', 3), counts('b', 3))).to.deep.equal(['b before a']);
    const limited = (id: string, capacity: number): Task =>
      ran(id, [1], { counted: [{ name: 'concurrency:k', units: 1, capacity }] });
    expect(found(limited('a', 1), limited('b', 1))).to.deep.equal(['b before a']);
    expect(found(limited('a', 2), limited('b', 2))).to.deep.equal([]);
  });

  it('is none where the first start ended before its body began and the next one came back into the line', () => {
    const [first, second] = [ran('a', [1, 7], { exclusive: ['r'] }), ran('b', [3], { exclusive: ['r'] })];
    expect(found(first, second, 2)).to.deep.equal([]);
    expect(found(ran('a', [1, 1], { exclusive: ['r'] }), second, 2), 'under one grant').to.deep.equal(['b before a']);
  });
});
