import { expect } from 'chai';
import fc from 'fast-check';

import { cycleText, victimOf, WaitGraph, type WaitingTask } from '../../../src/core/wait-graph.js';

const grant = { fence: 1, epoch: 1, at: new Date(0) };

function task(id: string, change: Partial<WaitingTask> = {}): WaitingTask {
  return { id, seq: 1, name: `type-of-${id}`, exclusive: [], shared: [], state: 'running', ...change };
}

const awaiting = (id: string, ids: string[], exclusive: string[] = []): WaitingTask =>
  task(id, { awaiting: ids, exclusive, ...(exclusive.length > 0 && { grant }) });
const inLine = (id: string, seq: number, exclusive: string[], shared: string[] = []): WaitingTask =>
  task(id, { seq, exclusive, shared, state: 'waiting', waitingFor: 'resources' });

/** Reads whatever the graph asks for, as a store would answer. */
function explored(all: readonly WaitingTask[], ...starts: string[]): WaitGraph {
  const graph = new WaitGraph();
  for (;;) {
    const { ids, resources } = graph.unread(starts);
    if (ids.length + resources.length === 0) return graph;
    graph.learn(
      ids,
      all.filter(({ id }) => ids.includes(id)),
    );
    for (const name of resources)
      graph.learnLine(
        name,
        all.filter(({ exclusive, shared }) => exclusive.includes(name) || shared.includes(name)),
      );
  }
}

describe('who waits for whom', () => {
  it('finds the parent that holds what its child waits for', () => {
    const graph = explored([awaiting('P', ['C'], ['a']), inLine('C', 2, ['a'])], 'P');
    const cycle = graph.cycleThrough('P')!;
    expect(cycle).to.deep.equal([
      { from: 'P', to: 'C', how: 'awaits' },
      { from: 'C', to: 'P', how: 'holds', resource: 'a' },
    ]);
    expect(cycleText(cycle, id => graph.get(id)!.name)).to.equal(
      'task P (type-of-P) awaits C (type-of-C), C waits for "a", which P holds',
    );
    expect(victimOf(cycle, graph)?.id).to.equal('C');
  });

  it('finds a way over those that stand before the child', () => {
    const all = [awaiting('P', ['C'], ['a']), inLine('C', 3, ['b']), inLine('D', 2, ['a', 'b'])];
    const graph = explored(all, 'P');
    const cycle = graph.cycleThrough('P')!;
    expect(cycleText(cycle, id => graph.get(id)!.name)).to.equal(
      'task P (type-of-P) awaits C (type-of-C), C waits for "b", where D (type-of-D) stands before it, D waits for "a", which P holds',
    );
    expect(victimOf(cycle, graph)?.id, 'D is nobody’s child').to.equal('C');
  });

  it('finds a way over another parent, and the newest of the children in it', () => {
    const all = [awaiting('P', ['C'], ['a']), awaiting('Q', ['D'], ['b']), inLine('C', 7, ['b']), inLine('D', 5, ['a'])];
    const graph = explored(all, 'P');
    expect(graph.cycleThrough('P')?.map(({ from }) => from)).to.deep.equal(['P', 'C', 'Q', 'D']);
    expect(victimOf(graph.cycleThrough('P')!, graph)?.id).to.equal('C');
  });

  it('takes nothing for a wait that goes on by itself', () => {
    const goesOn: Partial<WaitingTask>[] = [
      { state: 'waiting', waitingFor: 'worker', exclusive: ['a'], grant },
      { state: 'waiting', waitingFor: 'retry', exclusive: ['a'] },
      { state: 'running', exclusive: ['b'], grant },
      { state: 'canceling', awaiting: ['P'] },
      { state: 'completed' },
    ];
    for (const change of goesOn) {
      const graph = explored([awaiting('P', ['C'], ['a']), task('C', { seq: 2, ...change })], 'P');
      expect(graph.cycleThrough('P'), JSON.stringify(change)).to.equal(undefined);
    }
    expect(explored([awaiting('P', ['gone'], ['a'])], 'P').cycleThrough('P')).to.equal(undefined);
    const behind = explored([awaiting('P', ['C']), inLine('C', 2, ['a']), inLine('P2', 3, ['a'])], 'P');
    expect(behind.cycleThrough('P'), 'who stands behind it').to.equal(undefined);
    const shared = [awaiting('P', ['C']), inLine('C', 2, [], ['a']), task('H', { shared: ['a'], grant, awaiting: ['P'] })];
    expect(explored(shared, 'P').cycleThrough('P'), 'who shares').to.equal(undefined);
  });

  it('takes no lender for an obstacle, however far up the chain, but its other borrowers', () => {
    const lent = { task: 'P', fence: 1 };
    const child = { ...inLine('C', 2, ['a']), under: lent };
    expect(explored([awaiting('P', ['C'], ['a']), child], 'P').cycleThrough('P')).to.equal(undefined);
    const older = { ...child, under: { task: 'P', fence: 7 } };
    expect(explored([awaiting('P', ['C'], ['a']), older], 'P').cycleThrough('P'), 'by another grant').to.have.length(2);
    // M reserves nothing of the line in which its own borrower waits.
    const chain = [
      awaiting('P', ['M'], ['a']),
      { ...awaiting('M', ['C'], ['b']), under: lent },
      { ...inLine('C', 3, ['a']), under: { task: 'M', fence: 1 } },
    ];
    expect(explored(chain, 'P').cycleThrough('P')).to.equal(undefined);
    const sibling = { ...awaiting('S', ['P'], ['a']), under: lent };
    const cycle = explored([awaiting('P', ['C'], ['a']), child, sibling], 'P').cycleThrough('P')!;
    expect(cycle.map(({ from, how }) => `${from} ${how}`)).to.deep.equal(['P awaits', 'C holds', 'S awaits']);
  });

  it('finds a cycle exactly where one is', () => {
    const names = ['t0', 't1', 't2', 't3', 't4', 't5'];
    const anyTask = fc.record({
      kind: fc.constantFrom('awaits', 'in line', 'runs'),
      others: fc.subarray(names),
      exclusive: fc.subarray(['a', 'b', 'c']),
    });
    fc.assert(
      fc.property(fc.array(anyTask, { minLength: 6, maxLength: 6 }), plans => {
        const all = plans.map(({ kind, others, exclusive }, n): WaitingTask => {
          if (kind === 'in line' && exclusive.length > 0) return inLine(`t${n}`, n + 1, exclusive);
          return awaiting(`t${n}`, kind === 'awaits' ? others : [], exclusive);
        });
        for (const start of names) {
          const cycle = explored(all, start).cycleThrough(start);
          expect(cycle !== undefined, start).to.equal(reaches(all, start, start));
          cycle?.forEach(({ from, to }, at) => {
            expect(nextOf(all, from), `${from} waits for ${to}`).to.include(to);
            expect(to).to.equal(cycle[(at + 1) % cycle.length]!.from);
          });
        }
      }),
    );
  });
});

/** Written a second time, without a thought of cost. */
function nextOf(all: readonly WaitingTask[], id: string): string[] {
  const here = all.find(each => each.id === id);
  if (!here) return [];
  if (here.state === 'running') return here.awaiting ?? [];
  const rivals = all.filter(each => each.id !== id && each.exclusive.some(name => here.exclusive.includes(name)));
  return rivals
    .filter(each => each.grant !== undefined || (each.state === 'waiting' && each.seq < here.seq))
    .map(each => each.id);
}

function reaches(all: readonly WaitingTask[], from: string, to: string, seen = new Set<string>()): boolean {
  return nextOf(all, from).some(next => {
    if (next === to) return true;
    if (seen.has(next)) return false;
    seen.add(next);
    return reaches(all, next, to, seen);
  });
}
