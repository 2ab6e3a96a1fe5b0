import { expect } from 'chai';

import type { Ending } from '../../../src/core/outcome.js';
import type { Broker } from '../../../src/broker/broker.js';
import type { Task } from '../../../src/core/task.js';
import { Hints } from '../../../src/dispatch/hints.js';
import { cancelAssigned, endLost } from '../../../src/dispatch/lost.js';
import { silentLog } from '../../../src/process/log.js';
import type { Ended } from '../../../src/store/store.js';
import { quietEvents } from '../../support/quiet-events.js';
import { VirtualTime } from '../../support/virtual-time.js';

const KILLED = { code: null, signal: 'SIGKILL' };

function running(id: string, change: Partial<Task> = {}): Task {
  const run = { worker: 'w', incarnation: 'i', token: `token of ${id}`, at: new Date(0) };
  const policy = { attempt: 1, maxAttempts: 2, onWorkerLoss: 'requeue' as const, attempts: [] };
  return { id, name: 'n', queue: 'default', state: 'running', ...policy, run, ...change } as unknown as Task;
}

/** Notes where hints go. */
function noted() {
  const sent: string[] = [];
  const publish: Broker['publish'] = (hint, to) => {
    sent.push(`${hint.kind} ${hint.kind === 'start' ? hint.task : hint.tasks.join()} to ${to.to}`);
    return Promise.resolve('confirmed');
  };
  const broadcast: Broker['broadcast'] = message => {
    sent.push(`${message.kind} ${message.kind === 'ended' ? message.tasks.join() : ''} to all`);
  };
  const hints = new Hints({ publish, broadcast, depth: () => Promise.resolve(undefined) }, new VirtualTime().clock);
  return { sent, hints, ...quietEvents() };
}

describe('what a dead worker leaves', () => {
  it('is ended by the token of each start, with the exit of its child where somebody saw it', async () => {
    const { sent, hints, events, told } = noted();
    const endings: Ending[] = [];
    const tasks = [running('a'), running('b', { onWorkerLoss: 'cancel' }), running('c')];
    delete tasks[2]!.run;
    const after: Record<string, Partial<Task>> = { a: { state: 'waiting', waitingFor: 'worker' }, b: { state: 'canceled' } };
    const store = {
      finish: (given: readonly Ending[]) => (endings.push(...given), Promise.resolve(new Set(['a', 'b']))),
      get: (id: string) => Promise.resolve({ ...running(id), ...after[id] }),
    };
    const exitOf = (token: string) => (token === 'token of a' ? KILLED : undefined);
    expect(await endLost({ tasks: store, hints, events, log: silentLog }, tasks, exitOf)).to.equal(2);
    expect(endings).to.deep.equal([
      { id: 'a', token: 'token of a', outcome: { kind: 'requeued', reason: 'worker-lost', exit: KILLED } },
      { id: 'b', token: 'token of b', outcome: { kind: 'canceled', reason: 'worker-lost' } },
    ]);
    expect(sent).to.deep.equal(['start a to queue', 'changed b to resource-manager']);
    expect(told).to.deep.equal(['a waiting', 'b canceled']);
  });

  it('is canceled where it was assigned to it, until nothing is left', async () => {
    const { sent, hints, events, told } = noted();
    const answers: Ended[][] = [[{ id: 'a' }, { id: 'b', parent: 'p' }], [{ id: 'c' }], []];
    const asked: unknown[] = [];
    const store = { cancelAssigned: (worker: unknown) => (asked.push(worker), Promise.resolve(answers.shift() ?? [])) };
    const worker = { name: 'w', incarnation: 'i' };
    await cancelAssigned({ tasks: store, hints, events, log: silentLog }, worker);
    expect(asked).to.deep.equal([worker, worker, worker]);
    expect(sent).to.deep.equal(['changed a,b to resource-manager', 'ended b to all', 'changed c to resource-manager']);
    expect(told).to.deep.equal(['a', 'b', 'c']);
  });
});
