import { expect } from 'chai';

import { checkHistory } from '../../../src/audit/history.js';
import type { Attempt, Task } from '../../../src/core/task.js';

const EPOCH = 1_700_000_000_000;
const at = (second: number): Date => new Date(EPOCH + 1_000 * second);

/** A task that one start of a command with the token `t` has begun at this second. */
function started(id: string, second: number, change: Partial<Attempt> = {}): Task {
  const start = { n: 1, worker: 'w', incarnation: 'i', token: 't', startedAt: at(second), finishedAt: at(60) };
  const seq = id.charCodeAt(0);
  return {
    ...{ id, seq, name: 'x', args: [], kwargs: {}, queue: 'default', priority: 4, exclusive: [], shared: [] },
    ...{ state: 'canceled', reason: 'worker-lost', attempt: 1, maxAttempts: 1, onWorkerLoss: 'cancel' },
    ...{ progress: [], createdResources: [], correlationId: 'c', tags: [], createdAt: at(0), readyAt: at(0) },
    ...{ attempts: [{ ...start, reason: 'worker-lost', ...change }], startedAt: at(second), finishedAt: at(60) },
    ...((change.reason === 'completed' || change.reason === 'failed') && { state: change.reason }),
  };
}

function sharing(...tasks: Task[]): string[] {
  return checkHistory({ tasks, drained: true })
    .map(({ evidence }) => evidence)
    .filter(evidence => evidence.includes('the same token'));
}

describe('An audit of the tokens of starts', () => {
  const completed = { reason: 'completed' };

  it('takes one command that started several tasks for what it is', () => {
    expect(sharing(started('a', 1, completed), started('b', 1, completed), started('c', 1))).to.deep.equal([]);
  });

  it('takes one that landed a second time, on what was given back and then lost with its worker, for the same command', () => {
    expect(sharing(started('a', 1, completed), started('b', 3), started('c', 4, { reason: 'given-back' }))).to.deep.equal([]);
    const { attempts, finishedAt, reason, ...rest } = started('b', 3);
    const { worker, incarnation, token, startedAt } = attempts[0]!;
    const open: Task = { ...rest, state: 'running', attempts: [], run: { worker, incarnation, token, at: startedAt } };
    expect([finishedAt, reason]).to.have.length(2);
    expect(sharing(started('a', 1, completed), open)).to.deep.equal([]);
  });

  it('still finds two commands with one token', () => {
    const found = ['Starts of the tasks a, b carry the same token, though they are different starts.'];
    expect(sharing(started('a', 1, completed), started('b', 3, completed))).to.deep.equal(found);
    expect(sharing(started('a', 1, completed), started('b', 3, { reason: 'failed' }))).to.deep.equal(found);
    const killed = { exit: { code: null, signal: 'SIGSEGV' } };
    expect(sharing(started('a', 1, completed), started('b', 3, killed))).to.deep.equal(found);
    expect(sharing(started('a', 1), started('b', 3, { incarnation: 'j' }))).to.deep.equal(found);
  });
});
