import { expect } from 'chai';
import type { Rate } from '../../../src/core/rate.js';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { BucketWrite, Lease } from '../../../src/store/store.js';
import { accept, acceptOne, delayed, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

const HOUR = 3_600_000;
/** A name that a careless adapter might take for something else. */
const KEY = '$k.e{y}';
const RATE: Rate = { key: KEY, count: 10, perMs: 1_000 };

export function ratesContract(under: StoreUnderTest): void {
  describe('rate limits', () => {
    beforeEach(() => under.clear());

    const limited = (change: Partial<NewTask> = {}): NewTask => newTask({ rate: RATE, waitingFor: 'resources', ...change });
    const bucketOf = (task: Task, lease: Lease, change: Partial<BucketWrite> = {}): BucketWrite => ({
      ...{ key: KEY, count: 10, perMs: 1_000, seq: task.seq, pending: 3, debtMs: HOUR },
      last: { task: task.id, fence: lease.fence },
      ...change,
    });
    const read = async (key = KEY) => (await under.other().rates.buckets([key, 'none']))[0];

    it('know nothing of a key by which nobody was granted', async () => {
      expect(await under.store().rates.buckets(['a', 'b'])).to.deep.equal([]);
      expect(await under.store().rates.buckets([])).to.deep.equal([]);
      expect(await under.store().rates.standing('a', 1_000, 10)).to.deep.equal({ ahead: 0, pending: 0 });
    });

    it('keep a bucket from the grants that it allowed, with what is owed by the time of the server', async () => {
      const store = under.store();
      const lease = await lead(store);
      const task = await acceptOne(store, limited());
      expect((await store.grants.grant(lease, [task], [bucketOf(task, lease)])).kind).to.equal('granted');
      const { debtMs, ...bucket } = (await read())!;
      expect(bucket).to.deep.equal({
        ...{ key: KEY, count: 10, perMs: 1_000, seq: task.seq, pending: 3 },
        ...{ last: { task: task.id, fence: lease.fence }, lastBegunMsAgo: null },
      });
      expect(debtMs).to.be.within(HOUR - 60_000, HOUR);
      expect(await store.tasks.get(task.id)).to.deep.include({ waitingFor: 'worker', rate: RATE });
    });

    it('write it anew with later grants', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [first, second] = await accept(store, limited(), limited());
      for (const [task, count] of [
        [first!, 10],
        [second!, 20],
      ] as const) {
        const verdict = await store.grants.grant(lease, [task], [bucketOf(task, lease, { count, debtMs: 0.5 })]);
        if (verdict.kind === 'granted') lease.fence = verdict.fence;
      }
      expect(await read()).to.deep.include({ count: 20, seq: second!.seq });
      expect((await read())?.debtMs).to.be.at.most(1);
    });

    it('write nothing where nothing is granted', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [task, gone] = await accept(store, limited(), limited());
      await store.tasks.cancel(gone!.id, 'ann', 'user');
      expect((await store.grants.grant(lease, [task!, gone!], [bucketOf(task!, lease)])).kind).to.equal('mismatch');
      const deposed = { ...lease, epoch: lease.epoch - 1 };
      expect((await store.grants.grant(deposed, [task!], [bucketOf(task!, lease)])).kind).to.equal('deposed');
      expect(await read()).to.equal(undefined);
    });

    it('grant many that reserve nothing in one batch', async () => {
      const store = under.store();
      const lease = await lead(store);
      const tasks = await accept(store, ...Array.from({ length: 100 }, (_, n) => limited({ rate: { ...RATE, key: `k${n}` } })));
      const buckets = tasks.map((task, n) => bucketOf(task, lease, { key: `k${n}` }));
      expect((await store.grants.grant(lease, tasks, buckets)).kind).to.equal('granted');
      expect(await store.rates.buckets(buckets.map(({ key }) => key))).to.have.length(100);
      expect(await store.tasks.holders(0, 1_000)).to.have.length(100);
    });

    /** A task of the key that was granted, and whatever becomes of it. */
    async function granted(): Promise<{ task: Task; lease: Lease }> {
      const store = under.store();
      const lease = await lead(store);
      const accepted = await acceptOne(store, limited({ maxAttempts: 3, onWorkerLoss: 'requeue' }));
      await store.grants.grant(lease, [accepted], [bucketOf(accepted, lease)]);
      return { task: (await store.tasks.get(accepted.id))!, lease };
    }
    const begunMsAgo = async () => (await read())?.lastBegunMsAgo;

    it('tell when the last one began: running, ended, tried again, given back', async () => {
      const store = under.store();
      const { task } = await granted();
      let token = await startAll(store, [task]);
      expect(await begunMsAgo()).to.be.within(0, 60_000);
      await store.tasks.giveBack(task.id, token);
      const back = (await store.tasks.get(task.id))!;
      expect(back.grant?.begunAt).to.be.instanceOf(Date);
      expect(await begunMsAgo(), 'given back').to.be.within(0, 60_000);
      token = await startAll(store, [back]);
      const error = { code: 'FLAKY', message: '' };
      await store.tasks.finish([{ id: task.id, token, outcome: { kind: 'retried', error, delayMs: 0, hold: false } }]);
      const [ended] = (await store.tasks.get(task.id))!.attempts;
      expect(ended?.grant).to.deep.include({ fence: task.grant!.fence, begunAt: back.grant!.begunAt });
      expect(await begunMsAgo(), 'tried again').to.be.within(0, 60_000);
    });

    it('leave no mark on a start without a rate that is given back', async () => {
      const store = under.store();
      const lease = await lead(store);
      const accepted = await acceptOne(store, reserving(['r']));
      await store.grants.grant(lease, [accepted]);
      const task = (await store.tasks.get(accepted.id))!;
      await store.tasks.giveBack(task.id, await startAll(store, [task]));
      expect((await store.tasks.get(task.id))?.grant).to.deep.equal(task.grant);
    });

    it('tell that one that was cancelled never began, and that of a deleted one nobody knows', async () => {
      const store = under.store();
      const { task } = await granted();
      await store.tasks.cancel(task.id, 'ann', 'user');
      expect(await begunMsAgo()).to.equal(null);
      await store.tasks.remove(task.id);
      const bucket = await read();
      expect(bucket && [bucket.pending, bucket.lastBegunMsAgo]).to.deep.equal([3, undefined]);
    });

    it('send what becomes ready to the resource manager, whatever it reserves', async () => {
      const store = under.store();
      const past = new Date(Date.UTC(2020, 0));
      const tasks = await accept(store, delayed(past, { rate: RATE }), delayed(past));
      const due = await store.tasks.due(10);
      await store.tasks.promote(due, await store.tasks.takeNumbers(due.length));
      const ready = await Promise.all(tasks.map(async ({ id }) => (await store.tasks.get(id))?.waitingFor));
      expect(ready).to.deep.equal(['resources', 'worker']);
      expect((await store.tasks.waitingForResources(0, 10)).map(({ rate }) => rate)).to.deep.equal([RATE]);
    });

    it('send what comes after others there, too', async () => {
      const store = under.store();
      const [first, next] = await accept(
        store,
        newTask(),
        newTask({ rate: RATE, waitingFor: 'dependencies', after: [{ node: 'a', id: 'x' }], join: 'all-final', group: 'g' }),
      );
      expect(first?.waitingFor).to.equal('worker');
      await store.joins.release([next!.id], await store.tasks.takeNumbers(1));
      expect((await store.tasks.get(next!.id))?.waitingFor).to.equal('resources');
    });

    it('count who is before a number, and who was granted and has not started, up to a cap', async () => {
      const store = under.store();
      const lease = await lead(store);
      const tasks = await accept(store, limited(), limited(), limited(), limited(), limited({ rate: { ...RATE, key: 'other' } }));
      await store.grants.grant(lease, tasks.slice(0, 2), [bucketOf(tasks[1]!, lease)]);
      const all = Number.MAX_SAFE_INTEGER;
      expect(await store.rates.standing(KEY, all, 10)).to.deep.equal({ ahead: 2, pending: 2 });
      expect(await store.rates.standing(KEY, tasks[3]!.seq, 10)).to.deep.equal({ ahead: 1, pending: 2 });
      expect(await store.rates.standing(KEY, all, 1)).to.deep.equal({ ahead: 1, pending: 1 });
      await startAll(store, [(await store.tasks.get(tasks[0]!.id))!]);
      expect(await store.rates.standing(KEY, tasks[2]!.seq, 10)).to.deep.equal({ ahead: 0, pending: 1 });
    });
  });
}
