import { expect } from 'chai';

import { outcomeOfLoss, outcomeOfShutdown } from '../../../src/core/outcome.js';

describe('a start that was cut off', () => {
  it('cancels a task that may not run again', () => {
    expect(outcomeOfLoss({ attempt: 1, maxAttempts: 1, onWorkerLoss: 'cancel' })).to.deep.equal({
      kind: 'canceled',
      reason: 'worker-lost',
    });
    expect(outcomeOfShutdown({ attempt: 1, maxAttempts: 1, onWorkerLoss: 'cancel' })).to.deep.equal({
      kind: 'canceled',
      reason: 'worker-shutdown',
    });
  });

  it('queues a task again that may, as long as it has starts left', () => {
    expect(outcomeOfLoss({ attempt: 2, maxAttempts: 3, onWorkerLoss: 'requeue' })).to.deep.equal({
      kind: 'requeued',
      reason: 'worker-lost',
    });
    expect(outcomeOfShutdown({ attempt: 2, maxAttempts: 3, onWorkerLoss: 'requeue' }).kind).to.equal('requeued');
  });

  it('fails a task as POISONED that lost its worker in every start', () => {
    const outcome = outcomeOfLoss({ attempt: 3, maxAttempts: 3, onWorkerLoss: 'requeue' });
    expect(outcome.kind === 'failed' && outcome.error.code).to.equal('POISONED');
  });
});
