import { expect } from 'chai';

import { seeded } from '../../support/random.js';
import type { Answer, Body } from './fixture.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, pages while everything changes', function () {
  this.timeout(120_000);
  const api = apiOnMongo();
  const { send, complete } = api;

  const many = async (count: number, tag: string): Promise<string[]> => {
    const tasks = Array.from({ length: count }, () => ({ name: 'anything', tags: [tag] }));
    return (await send('/tasks/batch', { body: { tasks } })).body.items.map(({ id }) => id);
  };

  /** Every page from the first on, and after each of them something happens. */
  async function walk(path: string, meanwhile: (page: readonly Body[]) => Promise<void>): Promise<string[]> {
    const seen: string[] = [];
    for (let next: string | null = path; next;) {
      const { body }: Answer = await send(next.replace('/api/v1', ''));
      seen.push(...body.items.map(({ id }) => id));
      await meanwhile(body.items);
      ({ next } = body);
    }
    return seen;
  }

  for (const sort of ['createdAt', '-createdAt'] as const) {
    it(`shows each task that is there throughout once, sorted by ${sort}`, async () => {
      const ids = await many(90, 'old');
      const leaving = seeded(sort.length).sample(ids, 40);
      const [ending, deleted] = [leaving.slice(0, 20), leaving.slice(20)];
      const staying = ids.filter(id => !leaving.includes(id));
      const seen = await walk(`/tasks?limit=7&sort=${sort}&state=waiting&tag=old&tag=new`, async () => {
        for (const id of ending.splice(0, 2)) await complete(id);
        for (const id of deleted.splice(0, 2)) {
          await send(`/tasks/${id}/cancel`, { method: 'POST' });
          await send(`/tasks/${id}`, { method: 'DELETE' });
        }
        if (ending.length > 0) await many(3, 'new');
      });
      expect(new Set(seen).size, 'nothing is seen twice').to.equal(seen.length);
      expect(seen.filter(id => staying.includes(id)).sort()).to.deep.equal(staying.toSorted());
      const order = sort === 'createdAt' ? seen.toSorted() : seen.toSorted().reverse();
      expect(seen, 'in order').to.deep.equal(order);
    });
  }

  it('walks through what ends in the order of its ends, and finds it all', async () => {
    const ids = await many(12, 'x');
    for (const id of ids.toReversed().slice(0, 9)) await complete(id);
    const late = ids.slice(0, 3);
    const seen = await walk('/tasks?limit=2&sort=finishedAt&tag=x', async () => {
      const [id] = late.splice(0, 1);
      if (id !== undefined) await complete(id);
    });
    expect(seen).to.deep.equal([...ids.toReversed().slice(0, 9), ids[0], ids[1], ids[2]]);
    const latest = (await send('/tasks?limit=2&sort=-finishedAt&tag=x')).body;
    expect(latest.items.map(({ id }) => id)).to.deep.equal([ids[2], ids[1]]);
    const back = (await send((await send(latest.next.replace('/api/v1', ''))).body.prev.replace('/api/v1', ''))).body;
    expect(back.items.map(({ id }) => id)).to.deep.equal([ids[2], ids[1]]);
    const other = await send(latest.next.replace('/api/v1', '').replace('-finishedAt', '-createdAt'));
    expect([other.status, other.body.errors[0]?.pointer]).to.deep.equal([400, '?cursor']);
  });

  it('goes on at its place when the task at the edge of a page is gone', async () => {
    const ids = await many(10, 'x');
    const seen = await walk('/tasks?limit=3&sort=createdAt&tag=x', async page => {
      const { id = '' } = page.at(-1) ?? {};
      await send(`/tasks/${id}/cancel`, { method: 'POST' });
      await send(`/tasks/${id}`, { method: 'DELETE' });
    });
    expect(seen).to.deep.equal(ids);
  });
});
