import { expect } from 'chai';
import type { Document } from 'mongodb';

import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import type { Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import { ResourceManager } from '../../../src/resource-manager/resource-manager.js';
import type { TaskDocument } from '../../../src/store/mongo/task-documents.js';
import { loopbackBroker } from '../../support/loopback-broker.js';
import { until } from '../../support/wait.js';
import { mongoUnderTest } from '../store/mongo-under-test.js';
import { accept, acceptOne, reserving, startAll } from '../store/support.js';

const TIMING = { ...DEFAULT_TIMING, passMs: 100, reconcileMs: 300 };

/** No hint ever comes here: what the resource manager knows it has read. */
describe('The lines of a resource manager on MongoDB', function () {
  this.timeout(90_000);
  const under = mongoUnderTest();
  let manager: ResourceManager;
  let errors: string[];

  beforeEach(async () => {
    await under.clear();
    errors = [];
    manager = newManager();
  });
  afterEach(() => manager.stop());

  const newManager = (incarnation = 'rm/1'): ResourceManager =>
    new ResourceManager({
      store: under.store(),
      broker: loopbackBroker(),
      runtime: system,
      log: { ...silentLog, error: message => void errors.push(message) },
      timing: TIMING,
      name: 'rm',
      incarnation: () => incarnation,
      assignment: 'late',
      onMissing: 'reassign',
    });
  const tasks = () => under.store().tasks;
  const record = () => under.db().collection<TaskDocument>('tasks');
  const spoil = (task: Task, change: Document) => record().updateOne({ _id: task.id }, change);
  const isGranted = async ({ id }: Task): Promise<boolean> => (await tasks().get(id))?.grant !== undefined;
  const granted = (task: Task): Promise<boolean> => until(`${task.exclusive.join()} is granted`, () => isGranted(task));
  /** Two tasks on a resource of their own, one after the other: meanwhile everything else had its turn, more than once. */
  const rounds = async (): Promise<void> => {
    for (let round = 0; round < 2; round++) {
      await granted(await acceptOne(under.store(), reserving([`round ${round}`])));
      const epoch = await under.store().leases.read('resource-manager');
      await until(
        'two comparisons',
        (
          since => () =>
            performance.now() - since > 2 * TIMING.reconcileMs
        )(performance.now()),
      );
      expect((await under.store().leases.read('resource-manager'))?.epoch, 'nobody stepped down').to.equal(epoch?.epoch);
    }
  };

  it('let nobody wait for a task that was cancelled and deleted without a word, though it is not its turn', async () => {
    await manager.start();
    const holder = await acceptOne(under.store(), reserving(['b']));
    await granted(holder);
    const [phantom, next] = await accept(under.store(), reserving(['a', 'b']), reserving(['a']));
    await rounds();
    expect(await isGranted(next!), 'first come, first served').to.equal(false);
    await tasks().cancel(phantom!.id, 'ann', 'user');
    await tasks().remove(phantom!.id);
    await granted(next!);
  });

  it('free what a holder held whose record somebody deleted', async () => {
    await manager.start();
    const holder = await acceptOne(under.store(), reserving(['a']));
    await granted(holder);
    const next = await acceptOne(under.store(), reserving(['a']));
    await rounds();
    expect(await isGranted(next)).to.equal(false);
    await record().deleteOne({ _id: holder.id });
    await granted(next);
  });

  it('are built without a damaged record, and take it in again at its place once it is mended', async () => {
    const [bad, next, other] = await accept(under.store(), reserving(['a']), reserving(['b']), reserving(['c']));
    await spoil(bad!, { $unset: { exclusive: 1 } });
    await manager.start();
    await granted(next!);
    await granted(other!);
    expect(await isGranted(bad!)).to.equal(false);
    await spoil(bad!, { $set: { exclusive: ['a'] } });
    await granted(bad!);
  });

  it('go on around a record that is damaged while it stands in them', async () => {
    await manager.start();
    const holder = await acceptOne(under.store(), reserving(['a']));
    await granted(holder);
    const [bad, next] = await accept(under.store(), reserving(['a', 'b']), reserving(['b']));
    await rounds();
    await spoil(bad!, { $set: { shared: 'none', maxAttempts: 'some' } });
    await granted(next!);
  });

  for (const change of [{ $unset: { exclusive: 1 } }, { $set: { grant: { fence: 'x' } } }, { $set: { state: 'runing' } }]) {
    it(`keep what a running task holds whose record becomes ${JSON.stringify(change)}`, async () => {
      await manager.start();
      const holder = await acceptOne(under.store(), reserving(['a']));
      await granted(holder);
      await startAll(under.store(), [(await tasks().get(holder.id))!]);
      await spoil(holder, change);
      const next = await acceptOne(under.store(), reserving(['a']));
      await rounds();
      expect(await isGranted(next)).to.equal(false);
    });
  }

  it('are built with what a running task holds of whose grant nothing can be read', async () => {
    await manager.start();
    const holder = await acceptOne(under.store(), reserving(['a']));
    await granted(holder);
    await startAll(under.store(), [(await tasks().get(holder.id))!]);
    await manager.stop();
    await spoil(holder, { $set: { grant: 'lost' } });
    const next = await acceptOne(under.store(), reserving(['a']));
    manager = newManager('rm/2');
    await manager.start();
    await rounds();
    expect(await isGranted(next)).to.equal(false);
  });

  it('move nobody while a unique index is missing, and go on by themselves once it is back', async () => {
    await record().dropIndex('seq');
    await manager.start();
    const task = await acceptOne(under.store(), reserving(['a']));
    const told = await until('it says so', () => errors.find(message => message.includes('"seq"')));
    expect(told).to.match(/^Nothing is granted: .* of "tasks" is missing: run `interlock manage-db`/);
    expect(await isGranted(task)).to.equal(false);
    await under.store().manage();
    await granted(task);
  });

  it('are not stopped by many numbers that were taken in vain, nor by a number that nobody gave', async () => {
    await manager.start();
    await granted(await acceptOne(under.store(), reserving(['z'])));
    await tasks().takeNumbers(4_500);
    const [first, second] = await accept(under.store(), reserving(['a']), reserving(['b']));
    await spoil(second!, { $set: { seq: 9_000_000_000_000_000 } });
    await granted(first!);
    await rounds();
  });
});
