import { expect } from 'chai';

import type { Counted } from '../../../src/core/reservation.js';
import { silentLog } from '../../../src/process/log.js';
import { Book } from '../../../src/resource-manager/book.js';
import { readCapacities } from '../../../src/resource-manager/capacities.js';
import type { LineTask } from '../../../src/store/store.js';
import { VirtualTime } from '../../support/virtual-time.js';

describe('the units that a leading resource manager knows', () => {
  const waiting = (id: string, seq: number, counted: Counted[]): LineTask => ({
    ...{ id, seq, name: 'test.add', queue: 'default', priority: 4, maxAttempts: 1, createdAt: new Date(0) },
    ...{ exclusive: [], shared: [], counted, state: 'waiting', waitingFor: 'resources' },
  });
  const gpu = (units: number): Counted[] => [{ name: 'gpu', units }];

  function setUp(declared: Record<string, number>) {
    const book = new Book(silentLog, new VirtualTime().clock);
    const there = new Map(Object.entries(declared));
    const asked: string[][] = [];
    const capacities = {
      of: (names: readonly string[]) => {
        asked.push([...names]);
        return Promise.resolve(new Map([...there].filter(([name]) => names.includes(name))));
      },
    };
    const read = (all = false) => readCapacities({ capacities, book }, all);
    const runnable = () => {
      const ids = book.graph.takeRunnable(10);
      book.graph.putBack(ids);
      return ids;
    };
    return { book, there, asked, read, runnable };
  }

  it('are read when somebody first asks for them, and nothing of them is granted before', async () => {
    const { book, asked, read, runnable } = setUp({ gpu: 3 });
    await read();
    expect(asked).to.deep.equal([]);
    book.apply(waiting('a', 1, gpu(2)));
    book.apply(waiting('b', 2, gpu(2)));
    expect(runnable()).to.deep.equal([]);
    await read();
    expect(runnable()).to.deep.equal(['a']);
    expect(book.withCapacities(gpu(2))).to.deep.equal([{ name: 'gpu', units: 2, capacity: 3 }]);
    await read();
    expect(asked).to.deep.equal([['gpu']]);
  });

  it('are read again with every comparison, as long as somebody asks for them', async () => {
    const { book, there, asked, read, runnable } = setUp({ gpu: 1 });
    book.apply(waiting('a', 1, gpu(2)));
    await read();
    expect(runnable()).to.deep.equal([]);
    there.set('gpu', 2);
    await read(true);
    expect(runnable()).to.deep.equal(['a']);
    there.delete('gpu');
    await read(true);
    expect(runnable(), 'withdrawn').to.deep.equal([]);
    book.drop('a', 'canceled');
    await read(true);
    expect(asked).to.have.length(3);
  });

  it('come with the claim itself where that is a limit, as the newest in line says', () => {
    const { book, asked, runnable } = setUp({});
    const limit = (capacity: number): Counted[] => [{ name: 'concurrency:k', units: 1, capacity }];
    book.apply(waiting('a', 1, limit(1)));
    book.apply(waiting('b', 2, limit(1)));
    expect(runnable()).to.deep.equal(['a']);
    book.apply(waiting('c', 3, limit(2)));
    expect(runnable()).to.deep.equal(['a', 'b']);
    expect(book.withCapacities(limit(1))).to.deep.equal(limit(2));
    expect(asked).to.deep.equal([]);
  });
});
