import { expect } from 'chai';
import { v7 } from 'uuid';
import type { FinalState } from '../../../src/core/state.js';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { EndedPlace } from '../../../src/store/store.js';
import { accept, acceptOne, lead, newTask, startAll, type StoreUnderTest } from './support.js';

const OLD = new Date(Date.UTC(2020, 0));
const LATER = new Date(Date.UTC(2020, 1));
const NOW = new Date(Date.UTC(2020, 2));

export function retentionContract(under: StoreUnderTest): void {
  const ended = (change: Partial<NewTask> = {}): NewTask => {
    const { waitingFor, ...task } = newTask({ state: 'completed', finishedAt: OLD, result: { a: 1 }, ...change });
    expect(waitingFor).to.equal('worker');
    return task;
  };
  const retention = () => under.store().retention;
  const there = async (tasks: readonly Task[]): Promise<boolean[]> =>
    Promise.all(tasks.map(async ({ id }) => (await under.store().tasks.get(id)) !== undefined));
  /** Every number that was given so far is below it. */
  async function raiseFloor(): Promise<void> {
    const lease = await lead(under.store());
    lease.floor = await under.store().tasks.takeNumbers(1);
    expect(await under.store().leases.renew(lease, 60_000)).to.equal(true);
    await under.store().leases.resign(lease);
  }
  const purge = (change: { state?: FinalState; endedBefore?: Date; limit?: number; after?: EndedPlace | undefined } = {}) =>
    retention().purge({ state: 'completed', endedBefore: NOW, limit: 100, ...change });

  describe('forgetting what has ended', () => {
    beforeEach(() => under.clear());

    it('takes those of one state that ended before a time', async () => {
      const tasks = await accept(
        under.store(),
        ended(),
        ended({ state: 'failed' }),
        ended({ finishedAt: LATER }),
        newTask({ finishedAt: OLD }),
      );
      await raiseFloor();
      const last = { finishedAt: OLD, id: tasks[0]!.id };
      expect(await purge({ endedBefore: LATER })).to.deep.equal({ done: 1, kept: 0, last, full: false });
      expect(await there(tasks)).to.deep.equal([false, true, true, true]);
      expect(await purge({ endedBefore: LATER })).to.deep.equal({ done: 0, kept: 0, full: false });
      for (const state of ['failed', 'canceled', 'skipped'] as const) await purge({ state });
      expect(await there(tasks)).to.deep.equal([false, false, true, true]);
    });

    it('goes on page after page, in the order of ends, from any place', async () => {
      const tasks = await accept(under.store(), ...Array.from({ length: 5 }, () => ended()), ended({ finishedAt: LATER }));
      await raiseFloor();
      const held = tasks.slice(0, 2);
      const first = await purge({ limit: 2, after: { finishedAt: OLD, id: held[1]!.id } });
      expect(first).to.deep.equal({ done: 2, kept: 0, last: { finishedAt: OLD, id: tasks[3]!.id }, full: true });
      const second = await purge({ limit: 2, after: first.last });
      expect(second).to.deep.equal({ done: 2, kept: 0, last: { finishedAt: LATER, id: tasks[5]!.id }, full: true });
      expect(await purge({ limit: 2, after: second.last })).to.deep.equal({ done: 0, kept: 0, full: false });
      expect(await there(tasks)).to.deep.equal([true, true, false, false, false, false]);
    });

    it('leaves numbers above the floor of the resource manager alone, and all of them where nobody has led', async () => {
      const below = await acceptOne(under.store(), ended());
      expect(await purge()).to.deep.include({ done: 0, kept: 1 });
      await raiseFloor();
      const above = await acceptOne(under.store(), ended());
      expect(await purge()).to.deep.include({ done: 1, kept: 1 });
      expect(await there([below, above])).to.deep.equal([false, true]);
    });

    it('keeps the members of a group as long as one of them is open', async () => {
      const group = v7();
      const members = await accept(under.store(), ended({ group }), ended({ group, state: 'failed' }), newTask({ group }));
      const other = await acceptOne(under.store(), ended({ group: v7() }));
      await raiseFloor();
      expect(await purge()).to.deep.include({ done: 1, kept: 1 });
      expect(await there([...members, other])).to.deep.equal([true, true, true, false]);
      const open = members[2]!;
      const token = await startAll(under.store(), [open]);
      expect(await purge(), 'also while it runs').to.deep.include({ done: 0, kept: 1 });
      await under.store().tasks.finish([{ id: open.id, token, outcome: { kind: 'completed', result: 1 } }]);
      expect(await purge()).to.deep.include({ done: 1, kept: 0 });
      expect(await there(members)).to.deep.equal([false, true, true]);
    });

    it('keeps what a task spawned as long as that task is open', async () => {
      const parent = await acceptOne(under.store(), newTask());
      const child = await acceptOne(under.store(), ended({ parent: parent.id }));
      const orphan = await acceptOne(under.store(), ended({ parent: v7() }));
      await raiseFloor();
      expect(await purge()).to.deep.include({ done: 1, kept: 1 });
      expect(await there([child, orphan])).to.deep.equal([true, false]);
      await under.store().tasks.cancel(parent.id, 'ann', 'user');
      expect(await purge()).to.deep.include({ done: 1, kept: 0 });
    });

    it('takes those that are named, if they have ended and nothing holds them back', async () => {
      const group = v7();
      const parent = await acceptOne(under.store(), newTask({ group }));
      const tasks = await accept(
        under.store(),
        ...[ended(), ended({ state: 'failed', finishedAt: LATER }), ended({ group }), ended({ parent: parent.id }), ended()],
      );
      expect(await retention().purgeThese(tasks.map(({ id }) => id)), 'above the floor').to.equal(0);
      await raiseFloor();
      const above = await acceptOne(under.store(), ended());
      const named = [...tasks.slice(0, 4), above, parent].map(({ id }) => id);
      expect(await retention().purgeThese([...named, v7()])).to.equal(2);
      expect(await there([...tasks, above, parent])).to.deep.equal([false, false, true, true, true, true, true]);
      expect(await retention().purgeThese([])).to.equal(0);
    });

    it('frees the idempotency key with its task', async () => {
      const idempotency = { principal: 'p', key: 'k', bodyHash: 'h' };
      await acceptOne(under.store(), ended({ idempotency }));
      await raiseFloor();
      await purge();
      expect(await under.store().tasks.byIdempotencyKey('p', 'k')).to.equal(undefined);
      await acceptOne(under.store(), newTask({ idempotency }));
    });
  });

  describe('forgetting results', () => {
    beforeEach(() => under.clear());
    const expire = (endedBefore = NOW, limit = 100) => retention().expireResults({ endedBefore, limit });

    it('drops them from completed tasks that ended before a time, and nothing else', async () => {
      const [old, young, failed] = await accept(
        under.store(),
        ended(),
        ended({ finishedAt: LATER }),
        ended({ state: 'failed', result: null }),
      );
      expect(await expire(LATER)).to.deep.equal({ done: 1, kept: 0, last: { finishedAt: OLD, id: old!.id }, full: false });
      const { result, ...rest } = old!;
      expect(result).to.deep.equal({ a: 1 });
      expect(await under.store().tasks.get(old!.id)).to.deep.equal({ ...rest, resultExpired: true });
      expect(await under.store().tasks.get(young!.id)).to.deep.equal(young);
      expect(await under.store().tasks.get(failed!.id)).to.deep.equal(failed);
      expect(await expire(LATER), 'repeated').to.deep.include({ done: 0, kept: 0 });
    });

    it('keeps them where somebody may read them yet', async () => {
      const group = v7();
      const parent = await acceptOne(under.store(), newTask({ group }));
      const tasks = await accept(under.store(), ended({ group }), ended({ parent: parent.id }), ended());
      expect(await expire()).to.deep.include({ done: 1, kept: 2 });
      expect(await Promise.all(tasks.map(async ({ id }) => (await under.store().tasks.get(id))?.resultExpired))).to.deep.equal([
        undefined,
        undefined,
        true,
      ]);
    });
  });

  describe('forgetting groups', () => {
    beforeEach(() => under.clear());
    const FUTURE = new Date(Date.UTC(2100, 0));

    it('takes old ones without members, page after page', async () => {
      const { groups } = under.store();
      const ids = Array.from({ length: 4 }, () => v7()).sort();
      for (const id of ids) await groups.create({ id, name: 'g', kind: 'group', correlationId: 'c' });
      await acceptOne(under.store(), ended({ group: ids[1]! }));
      expect(await retention().removeEmptyGroups(OLD, 10), 'all of them are young').to.deep.equal({ removed: 0, full: false });
      const first = await retention().removeEmptyGroups(FUTURE, 2);
      expect(first).to.deep.equal({ removed: 1, last: ids[1], full: true });
      expect(await retention().removeEmptyGroups(FUTURE, 9, first.last)).to.deep.equal({ removed: 2, last: ids[3], full: false });
      expect((await groups.list(10)).map(({ id }) => id)).to.deep.equal([ids[1]]);
    });
  });
}
