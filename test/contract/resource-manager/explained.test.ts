import { expect } from 'chai';

import { claimsOf } from '../../../src/core/reservation.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import type { NewTask, Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import { ResourceManager } from '../../../src/resource-manager/resource-manager.js';
import { loopbackBroker } from '../../support/loopback-broker.js';
import { seeded } from '../../support/random.js';
import { until } from '../../support/wait.js';
import { NAMES, UNITS, placeOf, taskOf, toldOf } from '../../support/waiting-world.js';
import { mongoUnderTest } from '../store/mongo-under-test.js';
import { accept } from '../store/support.js';

const TASKS = 40;
const SEEDS = [1, 2, 3];

/** The property of test/unit/dispatch/explain.property.test.ts, on MongoDB and with the real resource manager. */
describe('What is told of tasks that wait on MongoDB', function () {
  this.timeout(120_000);
  const under = mongoUnderTest();
  let manager: ResourceManager;
  const errors: string[] = [];

  beforeEach(async () => {
    await under.clear();
    errors.length = 0;
    manager = new ResourceManager({
      ...{ store: under.store(), broker: loopbackBroker(), runtime: system, name: 'rm', incarnation: () => 'rm/1' },
      log: { ...silentLog, error: message => void errors.push(message) },
      timing: { ...DEFAULT_TIMING, passMs: 100, reconcileMs: 300 },
      ...{ assignment: 'late' as const, onMissing: 'reassign' as const },
    });
    await under.store().capacities.declare('gpu', UNITS);
    await manager.start();
  });
  afterEach(() => manager.stop());

  const read = async (tasks: readonly Task[]): Promise<Task[]> => {
    const found = await Promise.all(tasks.map(({ id }) => under.store().tasks.get(id)));
    return found.filter(task => task?.state === 'waiting').filter(task => task !== undefined);
  };
  const inLine = async (tasks: readonly Task[]): Promise<Task[]> => (await read(tasks)).filter(task => !task.grant);
  /** Whoever nothing is told to be in the way of has been granted. */
  const settled = (tasks: readonly Task[]): Promise<unknown> =>
    until('whatever is free is granted', async () => {
      for (const task of await inLine(tasks)) {
        const { judged } = await toldOf(under.store(), task);
        if (!judged.some(({ blocked }) => blocked) && (await inLine([task])).length > 0) return false;
      }
      return true;
    });

  for (const seed of SEEDS) {
    it(`is so, and it is granted when those in its way have ended (seed ${seed})`, async () => {
      const chance = seeded(seed);
      const wish = (): NewTask | undefined =>
        taskOf({
          exclusive: chance.sample(NAMES, chance.below(2)),
          shared: chance.sample(NAMES, chance.below(3)),
          gpu: Math.max(0, chance.below(6) - 2),
          limited: chance.below(3) === 0,
        });
      const tasks = await accept(under.store(), ...Array.from({ length: TASKS }, wish).filter(task => task !== undefined));
      await settled(tasks);
      const waiting = await inLine(tasks);
      expect(waiting.length).to.be.greaterThan(3);
      for (const task of waiting) {
        const { judged, blockers, never } = await toldOf(under.store(), task);
        expect(blockers.length > 0 || never, 'there is a reason').to.equal(true);
        for (const [index, claim] of claimsOf(task).entries())
          expect(judged[index]?.standing.position, `${claim.mode} ${claim.resource}`).to.equal(placeOf(task, claim, waiting));
      }
      const last = waiting.at(-1)!;
      const { blockers, opposed, never } = await toldOf(under.store(), last);
      for (const [index, id] of blockers.entries()) {
        if (opposed.some(each => blockers.indexOf(each) >= index))
          expect(await inLine([last]), 'while somebody opposes it').to.have.length(1);
        await under.store().tasks.cancel(id, 'test', 'user');
      }
      if (never) return;
      await until('it is granted', async () => (await inLine([last])).length === 0);
      expect(errors).to.deep.equal([]);
    });
  }
});
