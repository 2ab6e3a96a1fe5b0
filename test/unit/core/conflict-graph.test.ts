import { expect } from 'chai';
import fc from 'fast-check';

import { ConflictGraph, type Contender } from '../../../src/core/conflict-graph.js';
import { claimsOf, conflicts, type Claim } from '../../../src/core/reservation.js';

function task(id: string, seq: number, exclusive: string[], shared: string[] = []): Contender {
  return { id, seq, claims: claimsOf({ exclusive, shared }), granted: false };
}

function holder(id: string, seq: number, exclusive: string[]): Contender {
  return { ...task(id, seq, exclusive), granted: true };
}

function counting(id: string, seq: number, units: number, capacity?: number): Contender {
  const claim: Claim = { resource: 'gpu', mode: 'counted', units, ...(capacity !== undefined && { capacity }) };
  return { id, seq, claims: [claim], granted: false };
}

/** The rule itself, written as plainly as it can be: quadratic, and obviously right. */
class NaiveGraph {
  readonly tasks = new Map<string, Contender>();
  readonly capacities = new Map<string, number>();

  blocked(task: Contender): boolean {
    const others = [...this.tasks.values()].filter(other => other !== task);
    const ahead = others.filter(other => other.granted || other.seq < task.seq);
    return (
      ahead.some(other => other.claims.some(a => task.claims.some(b => conflicts(a, b)))) ||
      task.claims.some(
        claim => claim.mode === 'counted' && sumOf([...ahead, task], claim.resource) > this.#capacity(claim.resource),
      )
    );
  }

  runnable(): string[] {
    const free = [...this.tasks.values()].filter(t => !t.granted && !this.blocked(t));
    return free.sort((a, b) => a.seq - b.seq).map(t => t.id);
  }

  /** As the newest of those who wait brings it along, or as it was declared. */
  #capacity(resource: string): number {
    const waiting = [...this.tasks.values()].filter(task => !task.granted).sort((a, b) => b.seq - a.seq);
    const [newest] = waiting.flatMap(task => countedIn(task, resource));
    return newest?.capacity ?? this.capacities.get(resource) ?? 0;
  }
}

function countedIn(task: Contender, resource: string): Claim[] {
  return task.claims.filter(claim => claim.mode === 'counted' && claim.resource === resource);
}

function sumOf(tasks: readonly Contender[], resource: string): number {
  return tasks.flatMap(task => countedIn(task, resource)).reduce((sum, claim) => sum + claim.units, 0);
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

  it('holds a pattern against what stands beneath, above and at its top, by number, and nobody else', () => {
    const graph = new ConflictGraph();
    graph.submit(task('beneath', 1, ['a/b/c']));
    graph.submit(task('pattern', 2, ['a/b/**']));
    graph.submit(task('top', 3, [], ['a/b']));
    graph.submit(task('above', 4, [], ['a/**']));
    graph.submit(task('aside', 5, ['a/bc', 'b']));
    graph.submit(task('behind above', 6, ['a/d']));
    expect(runnable(graph)).to.deep.equal(['beneath']);
    graph.remove('beneath');
    expect(runnable(graph)).to.deep.equal(['pattern']);
    graph.grant('pattern');
    graph.remove('pattern');
    expect(runnable(graph)).to.deep.equal(['top', 'above']);
    graph.remove('above');
    expect(runnable(graph)).to.deep.equal(['top', 'aside', 'behind above']);
  });

  it('shows a new pattern the holders beneath it', () => {
    const graph = new ConflictGraph();
    graph.submit(task('x', 1, ['a/x']));
    graph.grant('x');
    graph.submit(task('pattern', 2, [], ['a/**']));
    expect(runnable(graph)).to.deep.equal([]);
    graph.remove('x');
    expect(runnable(graph)).to.deep.equal(['pattern']);
  });

  it('lets one who reads a whole tree and writes a part of it wait for writers alone', () => {
    const graph = new ConflictGraph();
    graph.submit(task('both', 1, ['a/x'], ['a/**']));
    graph.submit(task('reads aside', 2, [], ['a/y']));
    graph.submit(task('writes aside', 3, ['a/y']));
    graph.submit(task('reads all', 4, [], ['a/**']));
    expect(runnable(graph)).to.deep.equal(['both', 'reads aside']);
  });

  it('counts units in strict order: a large wish is not overtaken by small ones', () => {
    const graph = new ConflictGraph();
    graph.setCapacity('gpu', 4);
    for (const [at, units] of [2, 3, 1].entries()) graph.submit(counting(`g${at}`, at + 1, units));
    expect(runnable(graph)).to.deep.equal(['g0']);
    graph.grant('g0');
    expect(runnable(graph)).to.deep.equal([]);
    graph.remove('g0');
    expect(runnable(graph)).to.deep.equal(['g1', 'g2']);
  });

  it('gives nothing of what nobody has declared, and follows a capacity that changes', () => {
    const graph = new ConflictGraph();
    graph.submit(counting('a', 1, 2));
    graph.submit(counting('b', 2, 2));
    expect(runnable(graph)).to.deep.equal([]);
    graph.setCapacity('gpu', 4);
    expect(runnable(graph)).to.deep.equal(['a', 'b']);
    graph.setCapacity('gpu', 3);
    expect(runnable(graph)).to.deep.equal(['a']);
    graph.setCapacity('gpu', 1);
    expect(runnable(graph)).to.deep.equal([]);
  });

  it('keeps counted and other claims of one name apart', () => {
    const graph = new ConflictGraph();
    graph.setCapacity('gpu', 4);
    graph.submit(counting('c1', 1, 1));
    graph.submit(task('x2', 2, ['gpu']));
    graph.submit(counting('c3', 3, 1));
    expect(runnable(graph)).to.deep.equal(['c1']);
    graph.remove('c1');
    expect(runnable(graph)).to.deep.equal(['x2']);
    graph.remove('x2');
    expect(runnable(graph)).to.deep.equal(['c3']);
  });

  it('takes the capacity that the newest of those who wait brings along', () => {
    const graph = new ConflictGraph();
    graph.submit(counting('a', 1, 1, 1));
    graph.submit(counting('b', 2, 1, 1));
    expect(runnable(graph)).to.deep.equal(['a']);
    graph.submit(counting('c', 3, 1, 2));
    expect(runnable(graph)).to.deep.equal(['a', 'b']);
    graph.remove('c');
    expect(runnable(graph)).to.deep.equal(['a']);
  });

  it('agrees with the plain rule over random lives of many tasks', () => {
    const names = ['p', 'q', 'a', 'a/b', 'a/b/c', 'a/d', 'e/f', 'a/**', 'a/b/**', 'e/**'];
    const step = fc.record({
      kind: fc.constantFrom('submit', 'submit', 'submit', 'late', 'again', 'remove', 'grant', 'capacity'),
      pick: fc.nat(50),
      exclusive: fc.subarray(names, { maxLength: 2 }),
      shared: fc.subarray(names, { maxLength: 3 }),
      counted: fc.uniqueArray(
        fc.record({ resource: fc.constantFrom('g', 'a/g', 'limit'), units: fc.integer({ min: 1, max: 3 }), limit: fc.nat(3) }),
        { selector: claim => claim.resource, maxLength: 2 },
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const graph = new ConflictGraph();
        const naive = new NaiveGraph();
        let next = 0;
        for (const { kind, pick, exclusive, shared, counted } of steps) {
          const known = [...naive.tasks.keys()];
          const chosen = known[pick % Math.max(known.length, 1)];
          if (kind === 'submit' || kind === 'late') {
            const seq = kind === 'late' ? next + 10 - (pick % 10) - 0.5 + next / 1e6 : (next += 1) + 10;
            if ([...naive.tasks.values()].some(t => t.seq === seq)) continue;
            const plain = task(`t${naive.tasks.size}-${seq}`, seq, exclusive, shared);
            const claims = [
              ...plain.claims.filter((claim, at, all) => all.findIndex(each => each.resource === claim.resource) === at),
              ...counted.map(({ resource, units, limit }): Claim => {
                const claim: Claim = { resource, mode: 'counted', units };
                return resource === 'limit' ? { ...claim, units: 1, capacity: limit + 1 } : claim;
              }),
            ];
            graph.submit({ ...plain, claims });
            naive.tasks.set(plain.id, { ...plain, claims });
          } else if (kind === 'again' && chosen !== undefined) {
            const again = { ...naive.tasks.get(chosen)!, seq: (next += 1) + 10, granted: false };
            graph.submit(again);
            naive.tasks.set(chosen, { ...again });
          } else if (kind === 'remove' && chosen !== undefined) {
            graph.remove(chosen);
            naive.tasks.delete(chosen);
          } else if (kind === 'grant') {
            const id = naive.runnable()[pick % 2];
            if (id === undefined) continue;
            graph.grant(id);
            naive.tasks.get(id)!.granted = true;
          } else if (kind === 'capacity') {
            const name = pick % 2 === 0 ? 'g' : 'a/g';
            graph.setCapacity(name, pick % 7);
            naive.capacities.set(name, pick % 7);
          }
          expect(runnable(graph)).to.deep.equal(naive.runnable());
        }
      }),
      { numRuns: 500 },
    );
  });
});
