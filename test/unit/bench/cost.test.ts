import { expect } from 'chai';

import { added, costOf, NOTHING, usedBetween, type Usage } from '../../bench/cost.js';

const usage = (seconds: number, calls: Usage['calls'], cpu: Usage['cpu'] = {}): Usage => ({ seconds, calls, cpu });

describe('The cost of a task', () => {
  it('is what was called between two readings, also by a process that was not there at first', () => {
    const before = usage(10, { api: { 'insert tasks': { count: 5, ms: 50 } }, old: {} }, { api: 1 });
    const calls = { api: { 'insert tasks': { count: 7, ms: 80 } }, worker: { ack: { count: 3, ms: 0 } } };
    expect(usedBetween(before, usage(12, calls, { api: 1.5, worker: 0.25 }))).to.deep.equal(
      usage(
        2,
        { api: { 'insert tasks': { count: 2, ms: 30 } }, worker: { ack: { count: 3, ms: 0 } } },
        { api: 0.5, worker: 0.25 },
      ),
    );
  });

  it('adds up over runs', () => {
    const one = usage(2, { api: { ack: { count: 1, ms: 2 } } }, { api: 1 });
    const other = usage(3, { beat: { ack: { count: 4, ms: 0 } } }, { api: 2, beat: 1 });
    const sum = usage(5, { api: { ack: { count: 1, ms: 2 } }, beat: { ack: { count: 4, ms: 0 } } }, { api: 3, beat: 1 });
    expect(added(added(NOTHING, one), other)).to.deep.equal(sum);
  });

  it('counts commands, messages and upkeep apart', () => {
    const calls = {
      worker: {
        'update tasks': { count: 20, ms: 100 },
        'update processes': { count: 4, ms: 40 },
        ack: { count: 10, ms: 0 },
      },
      'resource-manager': { 'update leases': { count: 2, ms: 2 }, 'findAndModify leases for a grant': { count: 10, ms: 10 } },
      beat: { 'find tasks': { count: 6, ms: 6 }, publish: { count: 1, ms: 1 } },
    };
    const cost = costOf(usage(2, calls), 10);
    expect(cost).to.include({ commandsPerTask: 3, messagesPerTask: 1 });
    expect(cost.upkeepCommandsPerSecond).to.be.closeTo(6, 0.001);
    expect(cost.roles[0]?.calls[0]).to.deep.equal({ call: 'update tasks', perTask: 2, meanMs: 5, upkeep: false });
  });
});
