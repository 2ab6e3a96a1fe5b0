import { expect } from 'chai';
import { accept, granted, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

export function resourcesContract(under: StoreUnderTest): void {
  describe('resources in use', () => {
    beforeEach(() => under.clear());
    const inUse = async (limit: number, after?: string): Promise<string[]> =>
      (await under.store().resources.inUse(limit, after)).map(({ name }) => name);

    it('are those that somebody holds or waits for, with who holds, how many wait and since when', async () => {
      const store = under.store();
      expect(await inUse(10)).to.deep.equal([]);
      const lease = await lead(store);
      const [holder, shared] = await granted(store, lease, reserving(['a', 'c']), reserving([], ['s']));
      const ended = await granted(store, lease, reserving(['gone']));
      const token = await startAll(store, ended);
      await store.tasks.finish([{ id: ended[0]!.id, token, outcome: { kind: 'completed', result: 1 } }]);
      const counted = [{ name: 'units', units: 2 }];
      const [first] = await accept(
        store,
        reserving(['a'], ['s']),
        reserving(['b', 'a']),
        newTask({ counted, waitingFor: 'resources' }),
        newTask(),
        reserving(['later'], [], { waitingFor: 'delay', dueAt: new Date(Date.UTC(2100, 0)) }),
      );
      const uses = await store.resources.inUse(10);
      const told = uses.map(use => [
        use.name,
        use.holders.map(({ id }) => id),
        use.holding,
        use.waiting,
        use.oldest !== undefined,
      ]);
      expect(told).to.deep.equal([
        ['a', [holder!.id], 1, 2, true],
        ['b', [], 0, 1, true],
        ['c', [holder!.id], 1, 0, false],
        ['s', [shared!.id], 1, 1, true],
        ['units', [], 0, 1, true],
      ]);
      expect(uses[0]!.oldest).to.deep.equal(first!.createdAt);
      expect(uses[0]!.holders[0]!.grant?.fence).to.be.greaterThan(0);
    });

    it('count whoever has something in common with them, and name few holders', async () => {
      const store = under.store();
      const lease = await lead(store);
      await granted(store, lease, ...Array.from({ length: 12 }, () => reserving([], ['tree/a'])));
      await accept(store, reserving(['tree/**']), reserving(['tree/b']));
      const uses = await store.resources.inUse(10);
      expect(uses.map(({ name, holders, holding, waiting }) => [name, holders.length, holding, waiting])).to.deep.equal([
        ['tree/**', 10, 12, 2],
        ['tree/a', 10, 12, 1],
        ['tree/b', 0, 0, 2],
      ]);
    });

    it('come in order of their bytes, page by page, however long a line is', async () => {
      const store = under.store();
      // One task names several, and 450 wait for the first: more than one look at the index.
      const many = Array.from({ length: 450 }, (_, n) => reserving(['m-long', ...(n % 90 === 0 ? [`z${n}`, `b${n}`] : [])]));
      await accept(store, ...many);
      const others = ['\u{10000}', '\uffff', 'Z', 'm', 'm-long-not', 'é', '$dollar'];
      await accept(store, ...others.map(name => reserving([], [name])));
      const all = await inUse(100);
      const numbers = [0, 90, 180, 270, 360];
      const expected = [...others, 'm-long', ...numbers.flatMap(n => [`z${n}`, `b${n}`])];
      expect(all).to.deep.equal(expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      const paged: string[] = [];
      for (let page = await inUse(3); page.length > 0; page = await inUse(3, page.at(-1))) paged.push(...page);
      expect(paged).to.deep.equal(all);
      const [long] = await store.resources.inUse(1, 'm');
      expect(long).to.include({ name: 'm-long', waiting: 450 });
    });
  });
}
