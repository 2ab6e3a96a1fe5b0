import { expect } from 'chai';
import { v7 } from 'uuid';
import { StoreError } from '../../../src/core/errors.js';
import { accept, acceptOne, delayed, NASTY, newTask, type StoreUnderTest } from './support.js';

export function acceptContract(under: StoreUnderTest): void {
  describe('accepting tasks', () => {
    beforeEach(() => under.clear());

    it('gives consecutive numbers, also to processes that ask at the same time', async () => {
      const takes = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 ? under.store() : under.other()).tasks.takeNumbers(3)),
      );
      const firsts = takes.sort((a, b) => a - b);
      expect(firsts.map(first => first - firsts[0]!)).to.deep.equal(Array.from({ length: 20 }, (_, n) => 3 * n));
    });

    it('stores each task under its number with the server time, ready unless it is delayed', async () => {
      const { tasks } = under.store();
      const first = await tasks.takeNumbers(2);
      const verdicts = await tasks.insert([newTask(), delayed(new Date(Date.UTC(2100, 0)))], first);
      expect(verdicts.map(each => each.kind)).to.deep.equal(['stored', 'stored']);
      const [ready, later] = verdicts.map(each => each.kind === 'stored' && each.task);
      if (!ready || !later) return expect.fail('not stored');
      expect([ready.seq, later.seq]).to.deep.equal([first, first + 1]);
      expect(ready.readyAt).to.deep.equal(ready.createdAt);
      expect(ready.createdAt).to.be.a('date');
      expect(later.readyAt).to.equal(undefined);
      expect(await tasks.get(ready.id)).to.deep.equal(ready);
      expect(await tasks.get(later.id)).to.deep.equal(later);
    });

    it('keeps whatever users write, to the letter', async () => {
      const long = 'ö'.repeat(300_000);
      const task = newTask({
        args: [NASTY, [[]], null, long],
        kwargs: NASTY,
        name: '$name',
        tags: ['$tag', 'a.b'],
        correlationId: '$$ROOT',
      });
      await acceptOne(under.store(), task);
      const read = await under.other().tasks.get(task.id);
      expect(JSON.stringify(read?.kwargs)).to.equal(JSON.stringify(NASTY));
      expect(Object.hasOwn(read!.kwargs, '__proto__')).to.equal(true);
      expect(read?.args).to.deep.equal(task.args);
      expect([read?.name, read?.tags, read?.correlationId]).to.deep.equal(['$name', ['$tag', 'a.b'], '$$ROOT']);
    });

    it('inserts nothing when there is nothing', async () => {
      expect(await under.store().tasks.insert([], 1)).to.deep.equal([]);
      expect(await under.store().tasks.insertAll([], 1)).to.deep.equal({ kind: 'stored', tasks: [] });
    });

    it('answers a repeated insert with what is stored, not with a clash', async () => {
      const { tasks } = under.store();
      const first = await tasks.takeNumbers(2);
      const batch = [newTask(), newTask({ idempotency: { principal: 'p', key: 'k', bodyHash: 'h' } })];
      const once = await tasks.insert(batch, first);
      expect(await tasks.insert(batch, first)).to.deep.equal(once);
      const again = await tasks.insert(batch, await tasks.takeNumbers(2));
      expect(again, 'the numbers of the first time hold').to.deep.equal(once);
    });

    it('refuses a number that was closed, and stores the others of the batch', async () => {
      const { tasks } = under.store();
      const first = await tasks.takeNumbers(3);
      await under.other().tasks.voidNumbers([first + 1]);
      const batch = [newTask(), newTask(), newTask()];
      const verdicts = await tasks.insert(batch, first);
      expect(verdicts.map(each => each.kind)).to.deep.equal(['stored', 'seq-taken', 'stored']);
      expect(await tasks.get(batch[1]!.id)).to.equal(undefined);
    });

    it('refuses a number that another task took', async () => {
      const { tasks } = under.store();
      const { seq } = await acceptOne(under.store(), newTask());
      expect(await tasks.insert([newTask()], seq)).to.deep.equal([{ kind: 'seq-taken' }]);
    });

    it('stores one task for a principal and key, and shows it to the rest', async () => {
      const { tasks } = under.store();
      const keyed = (principal: string) => newTask({ idempotency: { principal, key: 'k$1', bodyHash: 'h' } });
      const batch = [keyed('ann'), keyed('bob'), keyed('ann')];
      const verdicts = await tasks.insert(batch, await tasks.takeNumbers(3));
      expect(verdicts.map(each => each.kind).sort()).to.deep.equal(['duplicate', 'stored', 'stored']);
      expect(verdicts[2]).to.have.nested.property('task.id', batch[0]!.id);
      const late = await under.other().tasks.insert([keyed('bob')], await tasks.takeNumbers(1));
      expect(late[0]).to.include({ kind: 'duplicate' }).and.to.have.nested.property('task.id', batch[1]!.id);
      expect((await tasks.byIdempotencyKey('bob', 'k$1'))?.id).to.equal(batch[1]!.id);
      expect(await tasks.byIdempotencyKey('cid', 'k$1')).to.equal(undefined);
    });

    it('stores one task for a slot of a schedule, however many beats insert it', async () => {
      const slot = new Date(Date.UTC(2026, 0));
      const id = v7();
      const stores = [under.store(), under.other(), under.store(), under.other()];
      const all = await Promise.all(
        stores.map(async ({ tasks }) => tasks.insert([newTask({ schedule: { id, slot } })], await tasks.takeNumbers(1))),
      );
      expect(
        all
          .flat()
          .map(each => each.kind)
          .sort(),
      ).to.deep.equal(['duplicate', 'duplicate', 'duplicate', 'stored']);
      const other = newTask({ schedule: { id, slot: new Date(Date.UTC(2026, 1)) } });
      expect((await acceptOne(under.store(), other)).schedule).to.deep.equal(other.schedule);
    });

    it('keeps its records to itself', async () => {
      const { tasks } = under.store();
      const [wish, resources] = [newTask({ args: [[1]], kwargs: { list: [1] } }), ['a']];
      const { id } = await acceptOne(under.store(), { ...wish, exclusive: resources });
      resources.push('b');
      for (const list of [wish.args[0], wish.kwargs.list]) (list as number[]).push(2);
      const read = (await tasks.get(id))!;
      expect([read.exclusive, read.args, read.kwargs]).to.deep.equal([['a'], [[1]], { list: [1] }]);
      Object.assign(read, { state: 'failed', grant: { fence: 1 } });
      const [row] = await tasks.byIds([id]);
      Object.assign(row!, { waitingFor: 'resources' });
      expect(await tasks.get(id))
        .to.include({ state: 'waiting', waitingFor: 'worker' })
        .and.not.to.have.property('grant');
    });

    it('answers an insert that comes again late with the task as it is then', async () => {
      const { tasks } = under.store();
      const first = await tasks.takeNumbers(1);
      const wish = newTask();
      await tasks.insert([wish], first);
      await tasks.cancel(wish.id, 'ann', 'user');
      const canceled = await tasks.get(wish.id);
      expect(await under.other().tasks.insert([wish], first)).to.deep.equal([{ kind: 'stored', task: canceled }]);
      expect(await under.other().tasks.insertAll([wish], first)).to.deep.equal({ kind: 'stored', tasks: [canceled] });
      expect(await tasks.get(wish.id)).to.deep.equal(canceled);
    });

    it('takes a fresh number for a task whose first one was closed', async () => {
      const { tasks } = under.store();
      const [closed, task] = [await tasks.takeNumbers(1), newTask()];
      await under.other().tasks.voidNumbers([closed]);
      expect(await tasks.insert([task], closed)).to.deep.equal([{ kind: 'seq-taken' }]);
      const fresh = await tasks.takeNumbers(1);
      expect((await tasks.insert([task], fresh))[0]).to.have.nested.property('task.seq', fresh);
      expect((await tasks.insert([task], closed))[0], 'a late copy').to.have.nested.property('task.seq', fresh);
      expect((await tasks.byNumbers([closed, fresh])).map(row => 'void' in row)).to.deep.equal([true, false]);
    });

    it('stores a batch whole', async () => {
      const { tasks } = under.store();
      const batch = Array.from({ length: 50 }, () => newTask());
      const first = await tasks.takeNumbers(50);
      const verdict = await tasks.insertAll(batch, first);
      if (verdict.kind !== 'stored') return expect.fail(verdict.kind);
      expect(verdict.tasks.map(task => task.seq)).to.deep.equal(batch.map((_, n) => first + n));
      expect(await tasks.insertAll(batch, first), 'repeated').to.deep.equal(verdict);
      expect(await tasks.count({}, 1_000)).to.equal(50);
    });

    it('stores nothing of a batch whose number was closed', async () => {
      const { tasks } = under.store();
      const first = await tasks.takeNumbers(3);
      await tasks.voidNumbers([first + 2]);
      expect(await tasks.insertAll([newTask(), newTask(), newTask()], first)).to.deep.equal({ kind: 'seq-taken' });
      expect(await tasks.count({}, 10)).to.equal(0);
    });

    it('stores nothing of a batch with a key that is taken, and shows whose it is', async () => {
      const { tasks } = under.store();
      const idempotency = { principal: 'p', key: 'k', bodyHash: 'h' };
      const [stored] = await accept(under.store(), newTask({ idempotency }));
      const verdict = await tasks.insertAll([newTask(), newTask({ idempotency })], await tasks.takeNumbers(2));
      expect(verdict).to.deep.equal({ kind: 'duplicate', task: stored });
      expect(await tasks.count({}, 10)).to.equal(1);
    });

    it('stores nothing of a batch that clashes with itself', async () => {
      const { tasks } = under.store();
      const idempotency = { principal: 'p', key: 'k', bodyHash: 'h' };
      const batch = [newTask({ idempotency }), newTask(), newTask({ idempotency })];
      const verdict = await tasks.insertAll(batch, await tasks.takeNumbers(3));
      expect(verdict.kind).not.to.equal('stored');
      expect(await tasks.count({}, 10)).to.equal(0);
    });

    it('lets a void and a late insert race for a number, and one of them win', async () => {
      const { tasks } = under.store();
      const first = await tasks.takeNumbers(20);
      const numbers = Array.from({ length: 20 }, (_, n) => first + n);
      const batch = numbers.map(() => newTask());
      const [verdicts] = await Promise.all([tasks.insert(batch, first), under.other().tasks.voidNumbers(numbers)]);
      const rows = await tasks.byNumbers(numbers);
      expect(rows.map(row => row.seq)).to.deep.equal(numbers);
      for (const [n, verdict] of verdicts.entries()) {
        expect('void' in rows[n]!, `number ${n}: ${verdict.kind}`).to.equal(verdict.kind === 'seq-taken');
      }
    });

    it('throws for a batch too big for the store, and nothing else', async () => {
      const { tasks } = under.store();
      const huge = newTask({ tags: Array.from({ length: 17 }, () => 'x'.repeat(1024 * 1024)) });
      const error = await tasks.insert([huge], await tasks.takeNumbers(1)).catch((thrown: unknown) => thrown);
      expect(error).to.be.an('error');
      expect(error instanceof StoreError || error instanceof RangeError).to.equal(true);
    });
  });
}
