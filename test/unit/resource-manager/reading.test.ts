import { expect } from 'chai';

import { silentLog } from '../../../src/process/log.js';
import { Book } from '../../../src/resource-manager/book.js';
import { Numbering } from '../../../src/resource-manager/numbering.js';
import { closeGaps, readNew, type ReadingDeps } from '../../../src/resource-manager/reading.js';
import type { LineTask } from '../../../src/store/store.js';
import { VirtualTime } from '../../support/virtual-time.js';

const GAP_MS = 15_000;

describe('Reading new acceptance numbers', () => {
  const waiting = (seq: number): LineTask => ({
    ...{ id: `t${seq}`, seq, name: 'test.add', queue: 'default', priority: 4, maxAttempts: 1, createdAt: new Date(0) },
    ...{ exclusive: ['r'], shared: [], state: 'waiting', waitingFor: 'resources' },
  });

  /** A database in which records appear while it is read. */
  function setUp(...stored: number[]) {
    const time = new VirtualTime();
    const numbers = new Set(stored);
    const voids: number[] = [];
    const coming = { duringRange: [] as number[] };
    const book = new Book(silentLog);
    const row = (seq: number): LineTask | { seq: number; void: true } =>
      voids.includes(seq) ? { seq, void: true } : waiting(seq);
    const tasks: ReadingDeps['tasks'] = {
      range: after => {
        for (const number of coming.duringRange.splice(0)) numbers.add(number);
        return Promise.resolve(
          [...numbers]
            .filter(number => number > after)
            .toSorted((a, b) => a - b)
            .map(row),
        );
      },
      byNumbers: asked => Promise.resolve(asked.filter(number => numbers.has(number)).map(row)),
      voidNumbers: closed => {
        voids.push(...closed);
        for (const number of closed) numbers.add(number);
        return Promise.resolve();
      },
      byIds: () => Promise.resolve([]),
    };
    const numbering = new Numbering(0, time.clock);
    const deps: ReadingDeps = { tasks, book, numbering, gapMs: GAP_MS, log: silentLog };
    return { time, deps, numbering, voids, coming, line: () => [...book.graph.waitingIds()].toSorted() };
  }

  it('sees a late number in the very pass that sees one given after it was stored, so that it is not overtaken', async () => {
    const { deps, coming, line } = setUp(1, 3);
    await readNew(deps);
    expect(line()).to.deep.equal(['t1', 't3']);
    coming.duringRange.push(2, 4); // 2 was stored, its client was told, and then asked for 4
    await readNew(deps);
    expect(line()).to.deep.equal(['t1', 't2', 't3', 't4']);
  });

  it('closes a number that nobody stores in time, so that a late insert has to take another one, and forgets it when it is seen closed', async () => {
    const { time, deps, numbering, voids } = setUp(1, 3);
    await readNew(deps);
    await time.advance(GAP_MS - 1);
    await closeGaps(deps);
    expect(voids).to.deep.equal([]);
    await time.advance(1);
    await closeGaps(deps);
    expect(voids).to.deep.equal([2]);
    expect(numbering.gaps, 'perhaps a task took it at the last moment').to.deep.equal([2]);
    await readNew(deps);
    expect(numbering.gaps).to.deep.equal([]);
    expect(numbering.floor).to.equal(3);
  });
});
