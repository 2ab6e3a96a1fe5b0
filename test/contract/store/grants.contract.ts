import { expect } from 'chai';
import { until } from '../../support/wait.js';
import { accept, acceptOne, granted, lead, newTask, reserving, startAll, WORKER, type StoreUnderTest } from './support.js';

const MINUTE = 60_000;

export function grantsContract(under: StoreUnderTest): void {
  describe('grants', () => {
    beforeEach(() => under.clear());

    it('give every task its own fences and make it ready for a worker', async () => {
      const store = under.store();
      const lease = await lead(store);
      const tasks = await accept(store, reserving(['a'], [], { maxAttempts: 3 }), reserving([], ['b']), reserving(['c']));
      const verdict = await store.grants.grant(lease, [tasks[0]!, { ...tasks[1]!, worker: '$w' }, tasks[2]!]);
      expect(verdict).to.deep.equal({ kind: 'granted', fence: lease.fence + 5 });
      const after = await Promise.all(tasks.map(async task => (await store.tasks.get(task.id))!));
      expect(after.map(task => task.grant?.fence)).to.deep.equal([lease.fence, lease.fence + 3, lease.fence + 4]);
      expect(after.map(task => task.grant?.worker)).to.deep.equal([undefined, '$w', undefined]);
      for (const task of after) {
        expect(task).to.include({ state: 'waiting', waitingFor: 'worker' });
        expect(task.grant?.epoch).to.equal(lease.epoch);
        expect(task.readyAt).to.deep.equal(task.grant?.at);
      }
      const next = await store.leases.read('resource-manager');
      expect(next?.epoch).to.equal(lease.epoch);
    });

    it('cost nothing when there are none', async () => {
      const lease = await lead(under.store());
      expect(await under.store().grants.grant(lease, [])).to.deep.equal({ kind: 'granted', fence: lease.fence });
    });

    it('are refused to a leader whose epoch or fence is not the newest', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [task] = await accept(store, reserving(['a']));
      for (const change of [{ epoch: 9 }, { fence: 9 }, { incarnation: 'x' }, { holder: 'x' }]) {
        expect(await store.grants.grant({ ...lease, ...change }, [task!]), JSON.stringify(change)).to.deep.equal({
          kind: 'deposed',
        });
      }
      expect(await store.tasks.get(task!.id)).to.deep.equal(task);
      expect((await store.grants.grant(lease, [task!])).kind).to.equal('granted');
    });

    it('are refused to the old of two leaders', async () => {
      const [store, other] = [under.store(), under.other()];
      const old = (await store.leases.acquire('resource-manager', { name: 'a', incarnation: 'a/1' }, 1))!;
      const [task] = await accept(store, reserving(['a']));
      const lease = await until('it lapses', () =>
        other.leases.acquire('resource-manager', { name: 'b', incarnation: 'b/1' }, MINUTE),
      );
      expect(await store.grants.grant(old, [task!])).to.deep.equal({ kind: 'deposed' });
      expect((await other.grants.grant(lease, [task!])).kind).to.equal('granted');
    });

    it('go by the epoch, not by the time: a lapsed lease that nobody took still holds', async () => {
      const store = under.store();
      const lease = (await store.leases.acquire('resource-manager', { name: 'a', incarnation: 'a/1' }, 1))!;
      const [task] = await accept(store, reserving(['a']));
      await until('it lapses', async () => (await store.leases.read('resource-manager'))?.live === false);
      expect((await store.grants.grant(lease, [task!])).kind).to.equal('granted');
    });

    it('take fences that only grow, over batches and leaders: as many as a task has starts', async () => {
      const store = under.store();
      const starts = [3, 1, 5, 2, 4];
      const fences: number[] = [];
      for (const leader of ['a', 'b']) {
        const lease = await lead(store, 'resource-manager', leader);
        for (const part of [starts.slice(0, 2), starts.slice(2)]) {
          const tasks = await granted(
            store,
            lease,
            ...part.map((n, place) => reserving([`${leader}${n}-${place}`], [], { maxAttempts: n })),
          );
          fences.push(...tasks.map(task => task.grant!.fence));
        }
        await store.leases.resign(lease);
      }
      const steps = fences.slice(1).map((fence, n) => fence - fences[n]!);
      expect(steps).to.deep.equal([3, 1, 5, 2, 4, 3, 1, 5, 2]);
      expect((await lead(store, 'resource-manager', 'c')).fence).to.equal(fences.at(-1)! + 4);
    });

    it('call it a mismatch when one of the batch has its grant already, or comes twice', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [held] = await granted(store, lease, reserving(['a']));
      const [other] = await accept(store, reserving(['b']));
      expect(await store.grants.grant(lease, [held!, other!])).to.deep.equal({ kind: 'mismatch' });
      expect(
        await store.grants.grant(
          lease,
          [other!, other!].map(task => ({ ...task, exclusive: [] })),
        ),
      ).to.deep.equal({ kind: 'mismatch' });
    });

    it('are not given to a task that no longer exists', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [task] = await accept(store, reserving(['a']));
      await store.tasks.cancel(task!.id, 'ann', 'user');
      await store.tasks.remove(task!.id);
      expect(await store.grants.grant(lease, [task!])).to.deep.equal({ kind: 'mismatch' });
    });

    it('do nothing for the whole batch when one of it no longer waits', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [a, b] = await accept(store, reserving(['a']), reserving(['b']));
      await store.tasks.cancel(b!.id, 'ann', 'user');
      expect(await store.grants.grant(lease, [a!, b!])).to.deep.equal({ kind: 'mismatch' });
      expect(await store.tasks.get(a!.id)).to.deep.equal(a);
      expect(await store.grants.grant(lease, [a!]), 'the lease is untouched').to.deep.equal({
        kind: 'granted',
        fence: lease.fence + 1,
      });
      expect(await store.grants.grant({ ...lease, fence: lease.fence + 1 }, [a!]), 'twice').to.deep.equal({ kind: 'mismatch' });
    });

    const clashes: [string, holder: [string[], string[]], wish: [string[], string[]], verdict: string][] = [
      ['exclusive after exclusive', [['r'], []], [['r'], []], 'conflict'],
      ['exclusive after shared', [[], ['r']], [['r'], []], 'conflict'],
      ['shared after exclusive', [['q', 'r'], []], [['a'], ['r', 's']], 'conflict'],
      ['shared after shared', [[], ['r']], [[], ['r']], 'granted'],
      ['another resource', [['r'], ['s']], [['t'], ['s']], 'granted'],
    ];
    for (const [what, held, wish, kind] of clashes) {
      it(`answer ${kind} to ${what}, waiting or running`, async () => {
        const store = under.store();
        const lease = await lead(store);
        const [holder] = await granted(store, lease, reserving(...held));
        const [first, second] = await accept(store, reserving(...wish), reserving(...wish));
        const verdict = await store.grants.grant(lease, [first!]);
        expect(verdict).to.include(kind === 'conflict' ? { kind, holder: holder!.id } : { kind });
        if (verdict.kind === 'granted') lease.fence = verdict.fence;
        await startAll(store, [holder!]);
        await store.tasks.cancel(holder!.id, 'ann', 'user');
        if (kind === 'conflict') expect(await store.grants.grant(lease, [second!])).to.deep.equal({ kind, holder: holder!.id });
      });
    }

    it('see that a batch conflicts with itself', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [a, b, c] = await accept(store, reserving(['r']), reserving([], ['r']), reserving(['r']));
      expect(await store.grants.grant(lease, [a!, b!])).to.deep.equal({ kind: 'conflict', holder: a!.id });
      expect(await store.grants.grant(lease, [b!, a!])).to.deep.equal({ kind: 'conflict', holder: b!.id });
      expect(await store.grants.grant(lease, [a!, c!])).to.deep.equal({ kind: 'conflict', holder: a!.id });
      expect(await store.tasks.holders(0, 1_000)).to.deep.equal([]);
    });

    it('follow an end at once', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [first] = await granted(store, lease, reserving(['r']));
      const token = await startAll(store, [first!]);
      const next = await acceptOne(store, reserving(['r']));
      expect((await store.grants.grant(lease, [next])).kind).to.equal('conflict');
      await store.tasks.finish([{ id: first!.id, token, outcome: { kind: 'completed', result: 1 } }]);
      const verdict = await store.grants.grant(lease, [next]);
      expect(verdict).to.deep.equal({ kind: 'granted', fence: lease.fence + 1 });
    });

    it('race with cancels so that each task is either granted whole or not at all', async () => {
      const store = under.store();
      const lease = await lead(store);
      for (let round = 0; round < 5; round++) {
        const tasks = await accept(store, ...Array.from({ length: 10 }, (_, n) => reserving([`r${round}-${n}`])));
        const [verdict, cancel] = await Promise.all([
          store.grants.grant(lease, tasks),
          under.other().tasks.cancel(tasks[7]!.id, 'ann', 'user'),
        ]);
        expect(cancel.kind).to.equal('canceled');
        const holding = (await store.tasks.holders(0, 1_000)).filter(held => tasks.some(task => task.id === held.id));
        expect(['granted', 'mismatch']).to.include(verdict.kind);
        expect(holding).to.have.length(verdict.kind === 'granted' ? 9 : 0);
        if (verdict.kind === 'granted') lease.fence = verdict.fence;
      }
    }).timeout(30_000);

    it('are bound to another worker, or to none, when theirs is gone', async () => {
      const store = under.store();
      const lease = await lead(store);
      const tasks = await accept(store, ...['a', 'b', 'c', 'd'].map(r => reserving([r])));
      const workers = ['gone', 'gone', 'live', undefined];
      const requests = tasks.map((task, n) => ({ ...task, ...(workers[n] === undefined ? {} : { worker: workers[n] }) }));
      const verdict = await store.grants.grant(lease, requests);
      if (verdict.kind !== 'granted') return expect.fail(verdict.kind);
      const started = (await store.tasks.get(tasks[1]!.id))!;
      await startAll(store, [started], { ...WORKER, worker: 'gone' });
      const bound = async () => Promise.all(tasks.map(async task => (await store.tasks.get(task.id))?.grant?.worker));
      expect(
        await store.grants.unbind({ ...lease, epoch: 9 }, ['live'], { queue: 'default', name: 'repository.sync' }),
        'deposed',
      ).to.deep.equal([]);
      expect(
        await store.grants.unbind(lease, ['live'], { queue: 'default', name: 'repository.sync', to: '$next' }),
      ).to.deep.equal([tasks[0]!.id]);
      expect(await bound()).to.deep.equal(['$next', 'gone', 'live', undefined]);
      expect(await store.grants.unbind(lease, ['live'], { queue: 'default', name: 'repository.sync' })).to.deep.equal([
        tasks[0]!.id,
      ]);
      expect(await bound()).to.deep.equal([undefined, 'gone', 'live', undefined]);
      expect(await store.grants.unbind(lease, ['live'], { queue: 'default', name: 'repository.sync' }), 'repeated').to.deep.equal(
        [],
      );
      expect(
        await store.grants.unbind(lease, ['live'], { queue: 'other', name: 'repository.sync', to: '$d', unbound: true }),
      ).to.deep.equal([]);
      const nobodys = await store.grants.unbind(lease, ['live'], {
        queue: 'default',
        name: 'repository.sync',
        to: '$d',
        unbound: true,
      });
      expect(nobodys).to.have.members([tasks[0]!.id, tasks[3]!.id]);
      expect(await bound()).to.deep.equal(['$d', 'gone', 'live', '$d']);
      await store.grants.unbind(lease, ['live'], { queue: 'default', name: 'repository.sync' });
      const [free] = await store.tasks.claimable({ queues: ['default'], worker: 'x', limit: 1 });
      expect(free?.id).to.equal(tasks[0]!.id);
      const lower = await acceptOne(store, newTask());
      expect(lower.grant).to.equal(undefined);
      expect((await store.grants.grant({ ...lease, fence: verdict.fence }, [])).kind, 'the fence is not touched').to.equal(
        'granted',
      );
    });
  });
}
