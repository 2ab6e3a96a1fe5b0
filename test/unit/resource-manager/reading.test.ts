import { expect } from 'chai';

import { silentLog } from '../../../src/process/log.js';
import { Book } from '../../../src/resource-manager/book.js';
import { Numbering } from '../../../src/resource-manager/numbering.js';
import { closeGaps, Reading, type ReadingDeps } from '../../../src/resource-manager/reading.js';
import type { LineTask } from '../../../src/store/store.js';
import { VirtualTime } from '../../support/virtual-time.js';

const GAP_MS = 15_000;
const PASS_MS = 1_000;
/** A hint that names a task which is not known yet. */
const NEWS = new Set(['new']);

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
    const again = new Map<string, LineTask>();
    let ranges = 0;
    const book = new Book(silentLog, time.clock);
    const row = (seq: number): LineTask | { seq: number; void: true } =>
      voids.includes(seq) ? { seq, void: true } : waiting(seq);
    const tasks: ReadingDeps['tasks'] = {
      range: after => {
        ranges++;
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
      byIds: ids => Promise.resolve(ids.flatMap(id => again.get(id) ?? [])),
    };
    const numbering = new Numbering(0, time.clock);
    const deps: ReadingDeps = { tasks, book, numbering, clock: time.clock, passMs: PASS_MS, gapMs: GAP_MS, log: silentLog };
    const line = (): string[] => [...book.graph.waitingIds()].toSorted();
    return { time, deps, reading: new Reading(deps), numbering, voids, coming, again, ranges: () => ranges, line };
  }

  it('sees a late number in the very pass that sees one given after it was stored, so that it is not overtaken', async () => {
    const { reading, coming, line } = setUp(1, 3);
    await reading.runOnce(NEWS);
    expect(line()).to.deep.equal(['t1', 't3']);
    coming.duringRange.push(2, 4); // 2 was stored, its client was told, and then asked for 4
    await reading.runOnce(NEWS);
    expect(line()).to.deep.equal(['t1', 't2', 't3', 't4']);
  });

  it('closes a number that nobody stores in time, so that a late insert has to take another one, and forgets it when it is seen closed', async () => {
    const { time, deps, reading, numbering, voids } = setUp(1, 3);
    await reading.runOnce(NEWS);
    await time.advance(GAP_MS - 1);
    await closeGaps(deps);
    expect(voids).to.deep.equal([]);
    await time.advance(1);
    await closeGaps(deps);
    expect(voids).to.deep.equal([2]);
    expect(numbering.gaps, 'perhaps a task took it at the last moment').to.deep.equal([2]);
    await reading.runOnce(NEWS);
    expect(numbering.gaps).to.deep.equal([]);
    expect(numbering.floor).to.equal(3);
  });

  it('asks for new ones when a hint names one that it does not know, and otherwise once in the time of a pass', async () => {
    const { time, reading, again, ranges, line } = setUp(1, 2);
    await reading.runOnce(new Set());
    await reading.runOnce(new Set());
    expect(ranges()).to.equal(1);
    again.set('t1', { ...waiting(1), state: 'completed' });
    await reading.runOnce(new Set(['t1']));
    expect(ranges(), 'the end of a known one').to.equal(1);
    expect(line()).to.deep.equal(['t2']);
    await reading.runOnce(new Set(['t2', 't3']));
    expect(ranges()).to.equal(2);
    await time.advance(PASS_MS);
    await reading.runOnce(new Set());
    expect(ranges()).to.equal(3);
  });

  describe('lets a task that joins the line anew leave its old place, and stay out where it has ended since,', () => {
    const anew = { ...waiting(3), id: 't1' };
    const canceled: LineTask = { ...anew, state: 'canceled' };

    /** The task t1 is read by its id, and its new number at the same time; what its record says, before and after. */
    async function joins(before: LineTask, after: LineTask): Promise<string[]> {
      const { reading, again, line, deps } = setUp(1, 2);
      await reading.runOnce(NEWS);
      again.set('t1', before);
      deps.tasks.range = () => {
        again.set('t1', after);
        return Promise.resolve([anew]);
      };
      await reading.runOnce(new Set(['t1', 'new']));
      return line().map(id => `${id} as ${deps.book.graph.find(id)?.seq}`);
    }

    it('when its id was read before that', async () => {
      expect(await joins(waiting(1), anew)).to.deep.equal(['t1 as 3', 't2 as 2']);
    });

    it('when its id was read after that', async () => {
      expect(await joins(anew, anew)).to.deep.equal(['t1 as 3', 't2 as 2']);
      expect(await joins(canceled, canceled)).to.deep.equal(['t2 as 2']);
    });
  });
});
