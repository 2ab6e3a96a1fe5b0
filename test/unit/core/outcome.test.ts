import { expect } from 'chai';

import { outcomeOfFailure, outcomeOfLoss, outcomeOfShutdown, type Outcome } from '../../../src/core/outcome.js';
import { DEFAULT_RETRY } from '../../../src/core/retry.js';
import type { Attempt, Exit, Task } from '../../../src/core/task.js';

const KILLED: Exit = { code: null, signal: 'SIGKILL' };

function ended(n: number, reason = 'worker-lost', exit?: Exit): Attempt {
  const at = new Date(0);
  return { n, worker: `w${n}`, incarnation: 'i', token: 't', startedAt: at, finishedAt: at, reason, ...(exit && { exit }) };
}

function cut(onWorkerLoss: Task['onWorkerLoss'], attempt: number, maxAttempts: number, attempts: Attempt[] = []) {
  return { onWorkerLoss, attempt, maxAttempts, attempts, run: { worker: 'w9', incarnation: 'i', token: 't', at: new Date(0) } };
}

const message = (outcome: Outcome): string => (outcome.kind === 'failed' ? outcome.error.message : outcome.kind);

describe('a start that was cut off', () => {
  it('cancels a task that may not run again', () => {
    expect(outcomeOfLoss(cut('cancel', 1, 1))).to.deep.equal({ kind: 'canceled', reason: 'worker-lost' });
    expect(outcomeOfShutdown(cut('cancel', 1, 1))).to.deep.equal({ kind: 'canceled', reason: 'worker-shutdown' });
  });

  it('queues a task again that may, as long as it has starts left', () => {
    expect(outcomeOfLoss(cut('requeue', 2, 3))).to.deep.equal({ kind: 'requeued', reason: 'worker-lost' });
    expect(outcomeOfShutdown(cut('requeue', 2, 3)).kind).to.equal('requeued');
    expect(outcomeOfShutdown(cut('requeue', 3, 3)), 'its last start').to.deep.equal({
      kind: 'canceled',
      reason: 'worker-shutdown',
    });
  });

  it('keeps how the child ended, where that is known', () => {
    for (const policy of ['cancel', 'requeue'] as const) {
      expect(outcomeOfLoss(cut(policy, 1, 2), KILLED)).to.deep.include({ exit: KILLED });
      expect(outcomeOfShutdown(cut(policy, 1, 2), KILLED)).to.deep.include({ exit: KILLED });
      expect(outcomeOfLoss(cut(policy, 1, 2))).not.to.have.property('exit');
    }
    expect(outcomeOfLoss(cut('requeue', 2, 2), KILLED)).to.deep.include({ kind: 'failed', exit: KILLED });
  });

  it('fails a task as POISONED that used up its starts, and says how each of them ended', () => {
    const before = [ended(1, 'worker-lost', KILLED), ended(2, 'worker-shutdown', { code: 3, signal: null })];
    const outcome = outcomeOfLoss(cut('requeue', 3, 3, before));
    expect(outcome.kind === 'failed' && outcome.error.code).to.equal('POISONED');
    expect(message(outcome)).to.equal(
      'It was started 3 times and never came to an end of its own, so it is not started again: ' +
        'start 1 on w1: worker-lost (SIGKILL); start 2 on w2: worker-shutdown (status 3); start 3 on w9: worker-lost.',
    );
    expect(message(outcomeOfLoss(cut('requeue', 3, 3, before), KILLED))).to.match(/start 3 on w9: worker-lost \(SIGKILL\)\.$/);
  });

  it('tells no more than ten starts of a task that had many', () => {
    const before = Array.from({ length: 999 }, (_, index) => ended(index + 1));
    const told = message(outcomeOfLoss(cut('requeue', 1_000, 1_000, before)));
    expect(told).to.contain('started 1000 times').and.to.contain('the last of them: start 991 on w991: ');
    expect(told.match(/start \d+ on/g)).to.have.length(10);
  });
});

describe('a start whose body failed', () => {
  const error = { code: 'X', message: 'm' };
  const retry = { ...DEFAULT_RETRY, delayMs: 100, jitter: false };
  const after = (task: Partial<Task>, failure: object = {}): Outcome =>
    outcomeOfFailure({ attempt: 1, maxAttempts: 3, ...task }, { kind: 'failed', error, ...failure }, () => 0);

  it('is the end of a task without a retry policy, however many starts are left', () => {
    expect(after({})).to.deep.equal({ kind: 'failed', error });
  });

  it('is followed by another one after the delay of the policy, until there are none left', () => {
    expect(after({ retry })).to.deep.equal({ kind: 'retried', error, delayMs: 100, hold: false });
    expect(after({ retry, attempt: 2 })).to.deep.include({ kind: 'retried', delayMs: 200 });
    expect(after({ retry, attempt: 3 })).to.deep.equal({ kind: 'failed', error });
  });

  it('says what else is known of it, and whether its resources stay', () => {
    const failure = { reason: 'timeout', exit: KILLED };
    expect(after({ retry: { ...retry, hold: true } }, failure)).to.deep.include({ kind: 'retried', hold: true, ...failure });
  });

  it('is followed by another one where the body asks for it, with a policy or without', () => {
    const again = { afterMs: 7_000 };
    expect(after({}, { again })).to.deep.equal({ kind: 'retried', error, delayMs: 7_000, hold: false });
    expect(after({ retry }, { again })).to.deep.include({ kind: 'retried', delayMs: 7_000 });
    expect(after({ attempt: 3 }, { again }), 'its last start').to.deep.equal({ kind: 'failed', error });
  });

  it('is the end where the body says so', () => {
    expect(after({ retry }, { again: 'never' })).to.deep.equal({ kind: 'failed', error });
  });
});
