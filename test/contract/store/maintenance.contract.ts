import { expect } from 'chai';
import { acceptOne, accept, delayed, granted, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

export function maintenanceContract(under: StoreUnderTest): void {
  describe('maintenance', () => {
    beforeEach(() => under.clear());

    it('is one for all, keeps its time and who began it, and takes a new reason', async () => {
      const [{ maintenance }, other] = [under.store(), under.other().maintenance];
      expect(await maintenance.read()).to.equal(undefined);
      expect(await maintenance.end()).to.equal(false);
      const begun = await maintenance.begin({ by: '$anna', reason: '$$NOW' });
      expect(begun).to.deep.include({ by: '$anna', reason: '$$NOW' });
      expect(begun.since).to.be.instanceOf(Date);
      expect(await other.read()).to.deep.equal(begun);
      expect(await other.begin({ by: 'bert' })).to.deep.equal(begun);
      expect(await other.begin({ by: 'bert', reason: 'disks' })).to.deep.equal({ ...begun, reason: 'disks' });
      expect(await maintenance.end()).to.equal(true);
      expect(await other.read()).to.equal(undefined);
    });

    it('may have no reason', async () => {
      const begun = await under.store().maintenance.begin({ by: 'anna' });
      expect(Object.keys(begun).sort()).to.deep.equal(['by', 'since']);
      expect(await under.other().maintenance.read()).to.deep.equal(begun);
    });
  });

  describe('the backlog', () => {
    beforeEach(() => under.clear());
    const none = { delay: 0, resources: 0, worker: 0, retry: 0, dependencies: 0, limit: 0 };

    it('of nothing is nothing', async () => {
      const { now, ...rest } = await under.store().tasks.backlog(10);
      expect(now).to.be.instanceOf(Date);
      expect(rest).to.deep.equal({ running: 0, canceling: 0, waiting: none });
    });

    it('counts what has not ended, by what it waits for, up to a cap', async () => {
      const store = under.store();
      const [running, canceling, ended] = await accept(store, newTask(), newTask(), newTask());
      await startAll(store, [running!, canceling!]);
      await store.tasks.cancel(canceling!.id, 'anna', 'user');
      await store.tasks.cancel(ended!.id, 'anna', 'user');
      await accept(store, newTask(), newTask(), newTask(), reserving(['r']), newTask({ waitingFor: 'dependencies' }));
      const from = new Date(Date.now() + 60_000);
      const until = new Date(Date.now() + 90_000);
      await accept(store, delayed(until), delayed(from));
      const { now, readySince, blockedSince, ...counts } = await store.tasks.backlog(2);
      expect(counts).to.deep.equal({
        running: 1,
        canceling: 1,
        waiting: { ...none, worker: 2, resources: 1, dependencies: 1, delay: 2 },
        dueFrom: from,
        dueUntil: until,
      });
      expect(readySince?.getTime()).to.be.at.most(now.getTime());
      expect(blockedSince?.getTime()).to.be.at.most(now.getTime());
    });

    it('tells since when a task could start: since its grant, or since it came', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [held] = await granted(store, lease, reserving(['r']));
      const { readySince } = await store.tasks.backlog(10);
      expect(readySince).to.deep.equal(held!.grant!.at);
      const plain = await acceptOne(store, newTask());
      const both = [held!.grant!.at.getTime(), plain.readyAt!.getTime()];
      expect((await store.tasks.backlog(10)).readySince?.getTime()).to.equal(Math.min(...both));
      expect((await store.tasks.backlog(10)).blockedSince).to.equal(undefined);
      const blocked = await acceptOne(store, reserving(['r']));
      await acceptOne(store, reserving(['r']));
      expect((await store.tasks.backlog(10)).blockedSince).to.deep.equal(blocked.readyAt);
    });
  });
}
