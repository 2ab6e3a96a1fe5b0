import { expect } from 'chai';

import { silentLog } from '../../../src/process/log.js';
import { Book } from '../../../src/resource-manager/book.js';
import { Numbering } from '../../../src/resource-manager/numbering.js';
import { Reconciliation, type ReconcileDeps } from '../../../src/resource-manager/reconcile.js';
import type { LineTask } from '../../../src/store/store.js';
import { VirtualTime } from '../../support/virtual-time.js';

describe('comparing the graph with the database', () => {
  const holder = (id: string, seq: number): LineTask => ({
    ...{ id, seq, name: 'test.add', queue: 'default', priority: 4, maxAttempts: 1, createdAt: new Date(0) },
    ...{ exclusive: [`resource of ${id}`], shared: [], state: 'running' },
    grant: { fence: seq, epoch: 1, at: new Date(0) },
  });
  const waiting = (id: string, seq: number): LineTask => {
    const { grant, ...task } = holder(id, seq);
    expect(grant?.fence).to.equal(seq);
    return { ...task, state: 'waiting', waitingFor: 'resources' };
  };

  /** A graph of some records, and a database of others, some of which end between its reads. */
  function setUp(known: LineTask[], stored: LineTask[], change: { ended?: string[]; endsLater?: string } = {}) {
    const book = new Book(silentLog, new VirtualTime().clock);
    for (const task of known) book.apply(task);
    const numbering = new Numbering(100, new VirtualTime().clock);
    let records = stored.filter(task => change.ended?.includes(task.id) !== true);
    const holding = () => records.filter(task => task.grant);
    const inLine = () => records.filter(task => !task.grant);
    const answer = <T>(value: T): Promise<T> => Promise.resolve(value);
    const tasks: ReconcileDeps['tasks'] = {
      endedWithin: () => answer(change.ended ?? []),
      countInLines: () => answer({ holding: holding().length, waiting: inLine().length }),
      holderFences: after => {
        const fences = holding().map(task => task.grant?.fence ?? 0);
        records = records.filter(task => task.id !== change.endsLater);
        return answer(fences.filter(fence => fence > after));
      },
      holders: after => answer(holding().filter(task => (task.grant?.fence ?? 0) > after)),
      waitingNumbers: after => answer(inLine().flatMap(({ seq }) => (seq > after ? [seq] : []))),
      waitingForResources: after => answer(inLine().filter(({ seq }) => seq > after)),
      byIds: ids => answer(records.filter(({ id }) => ids.includes(id))),
      byNumbers: numbers => answer(records.filter(({ seq }) => numbers.includes(seq))),
    };
    const reconciliation = new Reconciliation({ tasks, book, numbering, log: silentLog, withinMs: 1_000, epoch: 1 });
    const holders = () => [...book.graph.holderIds()];
    const line = () => [...book.graph.waitingIds()];
    return { run: () => reconciliation.runOnce(), holders, line };
  }

  it('finds the graph sound when a holder ends while it is compared', async () => {
    const both = [holder('goes on', 1), holder('ends', 2)];
    const before = setUp(both, both, { ended: ['ends'] });
    expect(await before.run()).to.equal(true);
    expect(before.holders()).to.deep.equal(['goes on']);
    const between = setUp([both[0]!], both, { endsLater: 'ends' });
    expect(await between.run()).to.equal(true);
    expect(between.holders()).to.deep.equal(['goes on']);
  });

  it('drops a holder that the database does not know any more', async () => {
    const { run, holders } = setUp([holder('over', 1)], []);
    expect(await run()).to.equal(true);
    expect(holders()).to.deep.equal([]);
  });

  it('keeps a holder that is in no index of fences, but whose record still says that it holds', async () => {
    const damaged = { ...holder('damaged', 1), grant: { fence: 0, epoch: 0, at: new Date(0) }, damaged: 'no fence' };
    const { run, holders } = setUp([holder('damaged', 1)], [damaged]);
    expect(await run()).to.equal(true);
    expect(await run()).to.equal(true);
    expect(holders()).to.deep.equal(['damaged']);
  });

  it('does not ask for a damaged holder of which nobody can read what it holds', async () => {
    const damaged = { ...holder('damaged', 1), exclusive: [], damaged: 'exclusive is no list' };
    expect(await setUp([], [damaged]).run()).to.equal(true);
  });

  it('does not trust a graph that lacks a holder', async () => {
    expect(await setUp([], [holder('unknown here', 1)]).run()).to.equal(false);
  });

  it('lets go of who left the line without a word, and takes in who was left out of it', async () => {
    const { run, line } = setUp([waiting('gone', 1), waiting('stays', 2)], [waiting('stays', 2), waiting('mended', 3)]);
    expect(await run()).to.equal(true);
    expect(await run(), 'now that the counts agree, too').to.equal(true);
    expect(line()).to.deep.equal(['stays', 'mended']);
  });

  it('leaves to the reading of numbers what lies above the mark', async () => {
    const { run, line } = setUp([], [waiting('new', 101)]);
    expect(await run()).to.equal(true);
    expect(line()).to.deep.equal([]);
  });
});
