import { expect } from 'chai';

import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import type { Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { ResourceManager } from '../../../src/resource-manager/resource-manager.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { newTask } from '../../contract/store/support.js';
import { loopbackBroker } from '../../support/loopback-broker.js';
import { VirtualTime } from '../../support/virtual-time.js';

const AT = new Date(1_700_000_000_000);

describe('a borrower beside another one whose own lender has ended', () => {
  const time = new VirtualTime();
  const database = new SimulatedDatabase(() => new Date(AT.getTime() + time.clock.monotonicMs()));
  const store = simulatedStore(database);

  function put(id: string, seq: number, change: Partial<Task>): void {
    database.tasks.put({ ...newTask({ id, exclusive: ['r'], waitingFor: 'resources' }), seq, createdAt: AT, ...change });
  }

  function holding(fence: number, change: Partial<Task> = {}): Partial<Task> {
    const run = { worker: 'w', incarnation: 'i', token: `t${fence}`, at: AT };
    return {
      state: 'running',
      waitingFor: undefined,
      attempt: 1,
      grant: { fence, epoch: 1, at: AT },
      run,
      ...change,
    } as Partial<Task>;
  }

  it('waits until that one has ended, and nobody takes it for a contradiction', async () => {
    const errors: string[] = [];
    put('eldest', 1, holding(1, { lends: true }));
    put('orphan', 3, holding(3, { under: { task: 'gone', fence: 2 } }));
    put('sibling', 4, { under: { task: 'eldest', fence: 1 } });
    const manager = new ResourceManager({
      ...{ store, broker: loopbackBroker(), runtime: time.runtime, timing: DEFAULT_TIMING, name: 'rm' },
      log: { ...silentLog, error: message => void errors.push(message) },
      ...{ incarnation: () => 'rm/1', assignment: 'late', onMissing: 'reassign' },
    });
    await manager.start();
    await time.advance(20_000);
    expect(database.task('sibling')?.grant).to.equal(undefined);
    expect((await store.leases.read('resource-manager'))?.epoch, 'it led all the while').to.equal(1);
    put('orphan', 3, { ...holding(3), state: 'completed', finishedAt: AT });
    await time.advance(20_000);
    expect(database.task('sibling')?.grant).to.include({ epoch: 1 });
    expect(errors).to.deep.equal([]);
    await Promise.all([manager.stop(), time.advance(20_000)]);
  });
});
