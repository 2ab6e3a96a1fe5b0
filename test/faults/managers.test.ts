import { expect } from 'chai';

import { DEFAULT_TIMING } from '../../src/core/timing.js';
import type { Task } from '../../src/core/task.js';
import { silentLog } from '../../src/process/log.js';
import { system } from '../../src/process/system.js';
import { ResourceManager } from '../../src/resource-manager/resource-manager.js';
import { mongoUnderTest } from '../contract/store/mongo-under-test.js';
import { accept, reserving } from '../contract/store/support.js';
import { loopbackBroker } from '../support/loopback-broker.js';
import { until } from '../support/wait.js';

const ROUNDS = 50;
/** No hint comes here, so that they look often. */
const TIMING = { ...DEFAULT_TIMING, passMs: 50, reconcileMs: 200, leaseRenewMs: 500 };

/** In this process, on a real database; what they know of tasks they have read. */
describe('three resource managers that are started in one moment', function () {
  this.timeout(300_000);
  const under = mongoUnderTest();
  let errors: string[] = [];

  const manager = (name: string): ResourceManager =>
    new ResourceManager({
      store: under.store(),
      broker: loopbackBroker(),
      runtime: system,
      log: { ...silentLog, error: message => void errors.push(message) },
      timing: TIMING,
      name,
      incarnation: () => `${name}/1`,
      assignment: 'late',
      onMissing: 'reassign',
    });
  const grantOf = async ({ id }: Task) => (await under.store().tasks.get(id))?.grant;

  it(`have one leader, who alone grants, in order, ${ROUNDS} times`, async () => {
    await under.clear();
    errors = [];
    let epoch = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const managers = ['a', 'b', 'c'].map(name => manager(`${name}${round}`));
      const [first, second] = await accept(under.store(), reserving(['r']), reserving(['r']));
      await Promise.all(managers.map(each => each.start()));
      try {
        const granted = await until('the first is granted', () => grantOf(first!));
        expect(managers.filter(each => each.leading)).to.have.length(1);
        expect(granted.epoch, 'each leader has an epoch of its own').to.be.above(epoch);
        epoch = granted.epoch;
        expect(await grantOf(second!), 'its turn comes later').to.equal(undefined);
        await under.store().tasks.cancel(first!.id, 'ann', 'user');
        expect(await until('the second is granted', () => grantOf(second!))).to.include({ epoch });
        await under.store().tasks.cancel(second!.id, 'ann', 'user');
      } finally {
        await Promise.all(managers.map(each => each.stop()));
      }
      expect(managers.filter(each => each.leading)).to.have.length(0);
    }
    expect(errors).to.deep.equal([]);
  });
});
