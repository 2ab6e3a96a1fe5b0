import { expect } from 'chai';

import { silentLog } from '../../../src/process/log.js';
import { Book } from '../../../src/resource-manager/book.js';
import { reconcile } from '../../../src/resource-manager/reconcile.js';
import type { LineTask } from '../../../src/store/store.js';

describe('comparing the graph with the database', () => {
  const holder = (id: string, seq: number): LineTask => ({
    ...{ id, seq, name: 'test.add', queue: 'default', priority: 4, maxAttempts: 1, createdAt: new Date(0) },
    ...{ exclusive: [`resource of ${id}`], shared: [], state: 'running' },
    grant: { fence: seq, epoch: 1, at: new Date(0) },
  });

  function bookOf(...holders: LineTask[]): Book {
    const book = new Book(silentLog);
    for (const task of holders) book.apply(task);
    return book;
  }

  const compare = (book: Book, holders: LineTask[], ended: string[]) =>
    reconcile(
      { tasks: { holders: () => Promise.resolve(holders), endedWithin: () => Promise.resolve(ended) }, book, log: silentLog },
      1_000,
    );

  it('finds the graph sound when a holder ends between the two reads', async () => {
    const [goesOn, ends] = [holder('goes on', 1), holder('ends', 2)];
    const book = bookOf(goesOn, ends);
    expect(await compare(book, [goesOn, ends], ['ends'])).to.equal(true);
    expect([...book.graph.holderIds()]).to.deep.equal(['goes on']);
  });

  it('drops a holder that the database does not know any more', async () => {
    const book = bookOf(holder('over', 1));
    expect(await compare(book, [], [])).to.equal(true);
    expect([...book.graph.holderIds()]).to.deep.equal([]);
  });

  it('does not ask for a damaged holder of which nobody can read what it holds', async () => {
    const damaged = { ...holder('damaged', 1), exclusive: [], damaged: 'exclusive is no list' };
    expect(await compare(bookOf(), [damaged], [])).to.equal(true);
  });

  it('does not trust a graph that lacks a holder', async () => {
    expect(await compare(bookOf(), [holder('unknown here', 1)], [])).to.equal(false);
  });
});
