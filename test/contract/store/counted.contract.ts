import { expect } from 'chai';
import type { Counted } from '../../../src/core/reservation.js';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { GrantRequest, GrantVerdict, Lease, Store } from '../../../src/store/store.js';
import { accept, acceptOne, granted, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

/** One that waits for units. */
function counting(counted: Counted[], change: Partial<NewTask> = {}): NewTask {
  return newTask({ counted, waitingFor: 'resources', ...change });
}

const gpu = (units: number, capacity = 4): Counted => ({ name: 'gpu', units, capacity });

export function countedContract(under: StoreUnderTest): void {
  const ids = (tasks: readonly { id: string }[]): string[] => tasks.map(task => task.id);

  async function give(store: Store, lease: Lease, requests: readonly GrantRequest[]): Promise<GrantVerdict> {
    const verdict = await store.grants.grant(lease, requests);
    if (verdict.kind === 'granted') lease.fence = verdict.fence;
    return verdict;
  }

  describe('capacities', () => {
    beforeEach(() => under.clear());

    it('are declared, changed and withdrawn by name', async () => {
      const [{ capacities }, other] = [under.store(), under.other().capacities];
      expect(await capacities.declare('rack/$gpu.0', 4)).to.equal(true);
      expect(await other.declare('rack/$gpu.0', 2)).to.equal(false);
      expect(await other.declare('tpu', 1)).to.equal(true);
      expect(await capacities.of(['rack/$gpu.0', 'none', 'tpu'])).to.deep.equal(
        new Map([
          ['rack/$gpu.0', 2],
          ['tpu', 1],
        ]),
      );
      expect(await capacities.withdraw('tpu')).to.equal(true);
      expect(await capacities.withdraw('tpu')).to.equal(false);
      expect(await capacities.of(['tpu'])).to.deep.equal(new Map());
      expect(await capacities.of([])).to.deep.equal(new Map());
    });
  });

  describe('grants of counted resources', () => {
    beforeEach(() => under.clear());

    it('go as far as the units of all holders and of the batch together, and no further', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [a, b, c] = await accept(store, counting([gpu(2)]), counting([gpu(1)]), counting([gpu(2)]));
      expect(await give(store, lease, [a!, b!, c!])).to.deep.equal({ kind: 'conflict', holder: a!.id });
      expect((await give(store, lease, [a!, b!])).kind).to.equal('granted');
      expect((await store.tasks.get(a!.id))?.counted).to.deep.equal([gpu(2)]);
      const refused = await give(store, lease, [c!]);
      expect(refused.kind === 'conflict' && ids([a!, b!]).includes(refused.holder)).to.equal(true);
      const held = (await store.tasks.get(a!.id))!;
      const token = await startAll(store, [held]);
      expect((await give(store, lease, [c!])).kind, 'running').to.equal('conflict');
      await store.tasks.finish([{ id: a!.id, token, outcome: { kind: 'completed', result: 1 } }]);
      expect((await give(store, lease, [c!])).kind).to.equal('granted');
    });

    it('follow the capacity that is asked by, not the one in the record', async () => {
      const store = under.store();
      const lease = await lead(store);
      await granted(store, lease, counting([gpu(2, 2)]));
      const next = await acceptOne(store, counting([{ name: 'gpu', units: 2 }]));
      const asked = (capacity: number): GrantRequest => ({ ...next, counted: [gpu(2, capacity)] });
      expect((await give(store, lease, [asked(3)])).kind).to.equal('conflict');
      expect((await give(store, lease, [next])).kind, 'of what nobody has declared').to.equal('conflict');
      expect((await give(store, lease, [asked(4)])).kind).to.equal('granted');
    });

    it('count each resource for itself', async () => {
      const store = under.store();
      const lease = await lead(store);
      await granted(store, lease, counting([gpu(3), { name: 'licence', units: 1, capacity: 1 }]));
      const [other, one, more] = await accept(
        store,
        counting([{ name: 'gpus', units: 9, capacity: 9 }]),
        counting([gpu(1), { name: 'licence', units: 1, capacity: 2 }]),
        counting([gpu(1)]),
      );
      expect((await give(store, lease, [other!, one!])).kind).to.equal('granted');
      expect((await give(store, lease, [more!])).kind).to.equal('conflict');
    });

    const opposed: [string, holder: NewTask, wish: NewTask, kind: string][] = [
      ['exclusive after counted', counting([gpu(1)]), reserving(['gpu']), 'conflict'],
      ['shared after counted', counting([gpu(1)]), reserving([], ['gpu']), 'conflict'],
      ['counted after exclusive', reserving(['gpu']), counting([gpu(1)]), 'conflict'],
      ['counted after shared', reserving([], ['gpu']), counting([gpu(1)]), 'conflict'],
      ['counted after a shared pattern above', reserving([], ['a/**']), counting([{ ...gpu(1), name: 'a/b/gpu' }]), 'conflict'],
      ['a shared pattern after counted beneath', counting([{ ...gpu(1), name: 'a/b/gpu' }]), reserving([], ['a/**']), 'conflict'],
      ['an exclusive pattern after its top, counted', counting([{ ...gpu(1), name: 'a' }]), reserving(['a/**']), 'conflict'],
      ['a pattern beside what is counted', counting([{ ...gpu(1), name: 'ab/gpu' }]), reserving(['a/**']), 'granted'],
    ];
    for (const [what, holder, wish, kind] of opposed) {
      it(`answer ${kind} to ${what}`, async () => {
        const store = under.store();
        const lease = await lead(store);
        await granted(store, lease, holder);
        expect((await give(store, lease, [await acceptOne(store, wish)])).kind).to.equal(kind);
      });
    }
  });

  describe('grants of patterns', () => {
    beforeEach(() => under.clear());

    const clashes: [holder: [string[], string[]], wish: [string[], string[]], kind: 'conflict' | 'granted'][] = [
      [[['repo/a']], [['repo/a/**']], 'conflict'],
      [[['repo/a/x/y']], [['repo/a/**']], 'conflict'],
      [[['repo/a/**']], [['repo/a']], 'conflict'],
      [[['repo/a/**']], [['repo/a/x/y']], 'conflict'],
      [[['repo/**']], [['repo/a/**']], 'conflict'],
      [[['repo/a/b/**']], [['repo/a/**']], 'conflict'],
      [[['/etc/hosts']], [['/**']], 'conflict'],
      [[['repo/ab', 'repo', 'repo/ab/c']], [['repo/a/**']], 'granted'],
      [[['repo/a/**']], [['repo/ab', 'repo', 'repo/ab/c']], 'granted'],
      [[['rep.+/(a|b)[1]\\d']], [['rep.+/(a|b)[1]\\d/**']], 'conflict'],
      [[['repo+/(a|b)[1]\\d/x']], [['repo+/(a|b)[1]\\d/**']], 'conflict'],
      [[['repoo/a1/x']], [['repo+/**', 'rep*/**', '^repoo/**', 'rep../**']], 'granted'],
      [[['größe/日本/x']], [['größe/日本/**']], 'conflict'],
    ].map(([held, wish, kind]) => [[held![0], []], [wish![0], []], kind] as never);
    clashes.push(
      [[[], ['repo/a']], [[], ['repo/**']], 'granted'],
      [[[], ['repo/a']], [['repo/**'], []], 'conflict'],
      [[[], ['repo/**']], [['repo/a'], []], 'conflict'],
      [[['repo/a'], []], [[], ['repo/**']], 'conflict'],
      [[['repo/**'], []], [[], ['repo/a/b']], 'conflict'],
    );
    for (const [held, wish, kind] of clashes) {
      it(`answer ${kind} to ${JSON.stringify(wish)} beside ${JSON.stringify(held)}`, async () => {
        const store = under.store();
        const lease = await lead(store);
        const [holder] = await granted(store, lease, reserving(...held));
        const next = await acceptOne(store, reserving(...wish));
        const verdict = await give(store, lease, [next]);
        expect(verdict).to.include(kind === 'conflict' ? { kind, holder: holder!.id } : { kind });
      });
      it(`answer ${kind} to both of ${JSON.stringify(wish)} and ${JSON.stringify(held)} in one batch`, async () => {
        const store = under.store();
        const lease = await lead(store);
        const [first, second] = await accept(store, reserving(...held), reserving(...wish));
        const verdict = await give(store, lease, [first!, second!]);
        expect(verdict).to.include(kind === 'conflict' ? { kind, holder: first!.id } : { kind });
      });
    }

    it('look at all names, however deep and many they are', async () => {
      const store = under.store();
      const lease = await lead(store);
      const deep = (n: number): string[] => Array.from({ length: 64 }, (_, k) => `${n}/${k}/`.padEnd(250, 'x/').slice(0, 250));
      const [holder] = await granted(store, lease, reserving(['39/63/x/**']));
      const tasks: Task[] = [];
      for (let n = 0; n < 40; n += 10)
        tasks.push(...(await accept(store, ...Array.from({ length: 10 }, (_, k) => reserving(deep(n + k))))));
      expect(await give(store, lease, tasks)).to.deep.equal({ kind: 'conflict', holder: holder!.id });
      expect((await give(store, lease, tasks.slice(0, 39))).kind).to.equal('granted');
    }).timeout(60_000);
  });

  describe('lines of relatives', () => {
    beforeEach(() => under.clear());

    it('show who reserves a pattern above, the name itself or, of a pattern, something beneath, in any mode', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [holder] = await granted(store, lease, reserving([], ['a/**']));
      const waiting = await accept(
        store,
        reserving(['a/b']),
        counting([{ name: 'a/b/gpu', units: 2, capacity: 4 }]),
        reserving([], ['a/b/**']),
        reserving(['c', 'ab']),
        reserving(['/**']),
      );
      const [b, units, beneath, aside, all] = ids(waiting);
      const line = async (name: string): Promise<string[]> => ids(await store.tasks.line(name, 10));
      expect(await line('a/b')).to.deep.equal([holder!.id, b, beneath]);
      expect(await line('a/b/gpu')).to.deep.equal([holder!.id, units, beneath]);
      expect(await line('a/**')).to.deep.equal([holder!.id, b, units, beneath]);
      expect(await line('a/b/**')).to.deep.equal([holder!.id, b, units, beneath]);
      expect(await line('a')).to.deep.equal([holder!.id]);
      expect(await line('ab')).to.deep.equal([aside]);
      expect(await line('/x')).to.deep.equal([all]);
      const [shown] = (await store.tasks.line('a/b/gpu', 10)).filter(task => task.id === units);
      expect(shown?.counted).to.deep.equal([{ name: 'a/b/gpu', units: 2, capacity: 4 }]);
    });

    it('show a task that counts in lists by resource, and put it into line when its delay is over', async () => {
      const store = under.store();
      const wish = counting([gpu(2)], { waitingFor: 'delay', dueAt: new Date(Date.UTC(2020, 0)) });
      const task = await acceptOne(store, wish);
      expect(ids((await store.tasks.list({ resource: ['gpu'] }, { limit: 9, newestFirst: false })).items)).to.deep.equal([
        task.id,
      ]);
      const [moved] = await store.tasks.promote(await store.tasks.due(10), await store.tasks.takeNumbers(1));
      expect(moved).to.include({ id: task.id, waitingFor: 'resources' });
      expect(ids(await store.tasks.waitingForResources(0, 10))).to.deep.equal([task.id]);
    });
  });
}
