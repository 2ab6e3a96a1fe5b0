import { expect } from 'chai';

import { explain, type Explanation, type Facts } from '../../../src/core/explain.js';
import type { InLine } from '../../../src/core/line.js';
import type { Grant, Task } from '../../../src/core/task.js';
import { newTask } from '../../contract/store/support.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const grant: Grant = { fence: 1, epoch: 1, at: NOW };
const holder: InLine = { id: 'h', seq: 1, exclusive: ['r'], shared: [], grant };

const task = (change: Partial<Task>): Task => ({ ...newTask({ id: 'me' }), seq: 100, createdAt: NOW, ...change });

function explained(of: Task, { line = [], ...facts }: Partial<Facts> & { line?: InLine[] }): Explanation {
  const role = { workers: [], resourceManager: true, beat: true, now: NOW };
  return explain({ task: of, lines: { lineOf: name => (name === 'r' ? line : []), capacities: new Map() }, ...role, ...facts });
}

describe('Explaining a task that has a rate limit', () => {
  const rate = { key: 'mail', count: 10, perMs: 1_000 };
  const me = task({ rate, waitingFor: 'resources' });
  const bucket = {
    ...{ ...rate, seq: 50, pending: 0, last: { task: 'h', fence: 1 }, debtMs: 1_000, lastBegunMsAgo: 5 },
  };
  const at = (ms: number) => new Date(NOW.getTime() + ms).toISOString();

  it('names the key, the limit, its place and when its turn is expected', () => {
    const explanation = explained(me, { rate: { bucket, ahead: 4, pending: 0 } });
    expect(explanation).to.deep.include({
      waitingFor: 'limit',
      rate: { key: 'mail', limit: '10/s', position: 5, expectedAt: at(500) },
    });
    expect(explanation.text).to.equal(
      `It waits for its turn under the rate limit "mail" (10/s): 4 tasks stand in line before it, and its turn is expected at ${at(500)}, in 500 ms.`,
    );
  });

  it('counts those who are about to start, and tells of them', () => {
    const { rate: turn, text } = explained(me, { rate: { ahead: 0, pending: 10 } });
    expect(turn).to.include({ position: 1, expectedAt: at(100) });
    expect(text).to.match(/it is next, and .* 10 that were granted before have not started yet\.$/);
  });

  it('takes its turn at once from a bucket that is full', () => {
    expect(explained(me, { rate: { ahead: 0, pending: 0 } }).text).to.include('it is next, and its turn is now.');
  });

  it('names the limit of a newer number', () => {
    const newer = { ...bucket, count: 1, seq: 200 };
    expect(explained(me, { rate: { bucket: newer, ahead: 0, pending: 0 } }).rate?.limit).to.equal('1/s');
  });

  it('waits for its resources first', () => {
    const both = task({ rate, exclusive: ['r'], waitingFor: 'resources' });
    const explanation = explained(both, { line: [holder], rate: { bucket, ahead: 0, pending: 0 } });
    expect(explanation.waitingFor).to.equal('resources');
    expect(explanation.text).to.match(/^It waits for "r" .* After that it takes its turn under the rate limit "mail" \(10\/s\)/);
    expect(explained(both, { rate: { bucket, ahead: 0, pending: 0 } }).waitingFor).to.equal('limit');
  });

  it('has no turn any more once it was granted, and says who does not grant', () => {
    const granted = task({ rate, grant, waitingFor: 'worker' });
    expect(explained(granted, { rate: { bucket, ahead: 0, pending: 1 } }).rate).to.include({
      position: null,
      expectedAt: null,
    });
    const { text } = explained(me, { rate: { ahead: 0, pending: 0 }, resourceManager: false });
    expect(text).to.include('no resource manager leads');
  });
});
