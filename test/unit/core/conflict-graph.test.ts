import { expect } from 'chai';
import fc from 'fast-check';

import { ConflictGraph, type Contender } from '../../../src/core/conflict-graph.js';
import { claimsOf, conflicts } from '../../../src/core/reservation.js';

function task(id: string, seq: number, exclusive: string[], shared: string[] = []): Contender {
  return { id, seq, claims: claimsOf({ exclusive, shared }), granted: false };
}

function holder(id: string, seq: number, exclusive: string[]): Contender {
  return { ...task(id, seq, exclusive), granted: true };
}

/** The rule itself, written as plainly as it can be: quadratic, and obviously right. */
class NaiveGraph {
  readonly tasks = new Map<string, Contender>();

  blocked(task: Contender): boolean {
    return [...this.tasks.values()].some(
      other =>
        other !== task &&
        (other.granted || other.seq < task.seq) &&
        other.claims.some(a => task.claims.some(b => conflicts(a, b))),
    );
  }

  runnable(): string[] {
    const free = [...this.tasks.values()].filter(t => !t.granted && !this.blocked(t));
    return free.sort((a, b) => a.seq - b.seq).map(t => t.id);
  }
}

function runnable(graph: ConflictGraph): string[] {
  const ids = graph.takeRunnable(1_000);
  graph.putBack(ids);
  return ids;
}

describe('the conflict graph', () => {
  it('grants an exclusive resource in order of number', () => {
    const graph = new ConflictGraph();
    graph.submit(task('a', 1, ['r']));
    graph.submit(task('b', 2, ['r']));
    expect(runnable(graph)).to.deep.equal(['a']);
    graph.grant('a');
    expect(runnable(graph)).to.deep.equal([]);
    graph.remove('a');
    expect(runnable(graph)).to.deep.equal(['b']);
  });

  it('lets shared tasks run together, but not past an exclusive one that came before them', () => {
    const graph = new ConflictGraph();
    graph.submit(task('s1', 1, [], ['r']));
    graph.submit(task('s2', 2, [], ['r']));
    graph.submit(task('x3', 3, ['r']));
    graph.submit(task('s4', 4, [], ['r']));
    expect(runnable(graph)).to.deep.equal(['s1', 's2']);
    graph.remove('x3');
    expect(runnable(graph)).to.deep.equal(['s1', 's2', 's4']);
  });

  it('never lets a blocked task delay one that does not conflict with it', () => {
    const graph = new ConflictGraph();
    graph.submit(holder('a', 1, ['r']));
    graph.submit(task('b', 2, ['r', 'q']));
    graph.submit(task('c', 3, ['p']));
    expect(runnable(graph)).to.deep.equal(['c']);
  });

  it('keeps the place of a task that waits for several resources', () => {
    const graph = new ConflictGraph();
    graph.submit(holder('a', 1, ['r']));
    graph.submit(task('b', 2, ['r', 'q']));
    graph.submit(task('c', 3, ['q']));
    expect(runnable(graph)).to.deep.equal([]);
    graph.remove('a');
    expect(runnable(graph)).to.deep.equal(['b']);
  });

  it('puts a number that came late before later ones, unless those are granted', () => {
    const graph = new ConflictGraph();
    graph.submit(holder('late-sees-granted', 5, ['r']));
    graph.submit(task('later', 7, ['r']));
    graph.submit(task('late', 6, ['r']));
    graph.remove('late-sees-granted');
    expect(runnable(graph)).to.deep.equal(['late']);
  });

  it('takes a task that returns under a new number as a new one', () => {
    const graph = new ConflictGraph();
    graph.submit(task('a', 1, ['r']));
    graph.submit(task('b', 2, ['r']));
    graph.submit(task('a', 3, ['r']));
    expect(runnable(graph)).to.deep.equal(['b']);
  });

  it('offers what it did not grant again, once', () => {
    const graph = new ConflictGraph();
    graph.submit(task('a', 1, ['r']));
    const taken = graph.takeRunnable(10);
    expect(graph.takeRunnable(10)).to.deep.equal([]);
    graph.putBack(taken);
    graph.putBack(taken);
    expect(graph.takeRunnable(10)).to.deep.equal(['a']);
  });

  it('agrees with the plain rule over random lives of many tasks', () => {
    const names = fc.subarray(['p', 'q', 'r', 's'], { maxLength: 3 });
    const step = fc.record({
      kind: fc.constantFrom('submit', 'submit', 'late', 'remove', 'grant'),
      pick: fc.nat(50),
      exclusive: names,
      shared: names,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const graph = new ConflictGraph();
        const naive = new NaiveGraph();
        let next = 0;
        for (const { kind, pick, exclusive, shared } of steps) {
          const known = [...naive.tasks.keys()];
          const chosen = known[pick % Math.max(known.length, 1)];
          if (kind === 'submit' || kind === 'late') {
            const seq = kind === 'late' ? next + 10 - (pick % 10) - 0.5 + next / 1e6 : (next += 1) + 10;
            if ([...naive.tasks.values()].some(t => t.seq === seq)) continue;
            const added = task(
              `t${naive.tasks.size}-${seq}`,
              seq,
              exclusive,
              shared.filter(s => !exclusive.includes(s)),
            );
            graph.submit({ ...added });
            naive.tasks.set(added.id, added);
          } else if (kind === 'remove' && chosen !== undefined) {
            graph.remove(chosen);
            naive.tasks.delete(chosen);
          } else if (kind === 'grant') {
            const id = naive.runnable()[0];
            if (id === undefined) continue;
            graph.grant(id);
            naive.tasks.get(id)!.granted = true;
          }
          expect(runnable(graph)).to.deep.equal(naive.runnable());
        }
      }),
      { numRuns: 500 },
    );
  });
});
