import { expect } from 'chai';
import fc from 'fast-check';

import { ConflictGraph, type Contender } from '../../../src/core/conflict-graph.js';
import { isLent } from '../../../src/core/lending.js';
import { claimsOf, conflicts, type Claim } from '../../../src/core/reservation.js';

/** Every grant has the number of its task for a fence. */
const FENCE = 7;
const fenceOf = (): number => FENCE;

function task(id: string, seq: number, exclusive: string[], shared: string[] = []): Contender {
  return { id, seq, claims: claimsOf({ exclusive, shared }), granted: false };
}

function under(lender: string, borrower: Contender, fence = FENCE): Contender {
  return { ...borrower, under: { task: lender, fence } };
}

function runnable(graph: ConflictGraph): string[] {
  const ids = graph.takeRunnable(1_000);
  graph.putBack(ids);
  return ids;
}

/** `lender` holds `r`, and a stranger waits for it. */
function lending(exclusive = ['r'], shared: string[] = []): ConflictGraph {
  const graph = new ConflictGraph(fenceOf);
  graph.submit({ ...task('lender', 1, exclusive, shared), granted: true });
  graph.submit(task('stranger', 2, ['r']));
  return graph;
}

/** The rule as plainly as it can be: quadratic, and obviously right. */
class Naive {
  readonly tasks = new Map<string, Contender>();

  runnable(): string[] {
    const free = [...this.tasks.values()].filter(each => !each.granted && !each.claims.some(claim => this.#blocked(each, claim)));
    return free.sort((a, b) => a.seq - b.seq).map(each => each.id);
  }

  chain({ under: lender }: Contender): Contender[] {
    const found = lender && this.tasks.get(lender.task);
    return found?.granted && lender?.fence === FENCE ? [found, ...this.chain(found)] : [];
  }

  /** Who lends this claim to this task. */
  lender(borrower: Contender, claim: Claim): Contender | undefined {
    return this.chain(borrower).find(each => isLent(claim, each.claims));
  }

  #blocked(here: Contender, claim: Claim): boolean {
    const lender = this.lender(here, claim);
    const chain = this.chain(here);
    // One between the two holds less than the claim, and holds it against everybody.
    const spared = lender ? chain.slice(chain.indexOf(lender)) : [];
    return [...this.tasks.values()].some(other => {
      if (other === here || spared.includes(other)) return false;
      return other.claims.some(theirs => {
        if (!conflicts(theirs, claim)) return false;
        const same = this.lender(other, theirs) === lender;
        // A holder holds for everybody; who waits stands in one room.
        if (other.granted) return lender === undefined || same;
        return same && other.seq < here.seq;
      });
    });
  }
}

describe('a task under the reservation of another', () => {
  it('has what its lender holds, before those who wait for it', () => {
    const graph = lending();
    graph.submit(under('lender', task('borrower', 3, ['r'])));
    expect(runnable(graph)).to.deep.equal(['borrower']);
    expect(graph.lendersOf('borrower')).to.deep.equal(['lender']);
    graph.grant('borrower');
    graph.remove('borrower');
    expect(runnable(graph)).to.deep.equal([]);
    graph.remove('lender');
    expect(runnable(graph)).to.deep.equal(['stranger']);
  });

  it('keeps it when the lender is gone', () => {
    const graph = lending();
    graph.submit(under('lender', task('borrower', 3, ['r'])));
    graph.grant('borrower');
    graph.remove('lender');
    expect(runnable(graph)).to.deep.equal([]);
    graph.remove('borrower');
    expect(runnable(graph)).to.deep.equal(['stranger']);
  });

  it('joins the line by number when the lender goes before it has been granted', () => {
    const graph = lending();
    graph.submit(under('lender', task('first', 3, ['r'])));
    graph.grant('first');
    graph.submit(under('lender', task('second', 4, ['r'])));
    graph.submit(task('behind', 5, ['r']));
    graph.remove('lender');
    graph.remove('first');
    for (const next of ['stranger', 'second', 'behind']) {
      expect(runnable(graph)).to.deep.equal([next]);
      graph.remove(next);
    }
  });

  it('conflicts with other borrowers as with anybody, in order of number', () => {
    const graph = lending();
    graph.submit(under('lender', task('b', 4, ['r'])));
    graph.submit(under('lender', task('a', 3, ['r'])));
    graph.submit(under('lender', task('c', 5, ['q'])));
    expect(runnable(graph)).to.deep.equal(['a', 'c']);
    graph.grant('a');
    expect(runnable(graph)).to.deep.equal(['c']);
    graph.remove('a');
    expect(runnable(graph)).to.deep.equal(['b', 'c']);
  });

  it('waits as usual for what its lender does not hold, or not so strongly', () => {
    const graph = lending([], ['r']);
    graph.submit(task('other', 3, ['q']));
    graph.submit(under('lender', task('stronger', 4, ['r'])));
    graph.submit(under('lender', task('elsewhere', 5, ['q'], ['r'])));
    graph.submit(under('lender', task('weaker', 6, [], ['r'])));
    expect(runnable(graph)).to.deep.equal(['other', 'weaker']);
    graph.remove('other');
    expect(runnable(graph)).to.deep.equal(['elsewhere', 'weaker']);
  });

  it('has part of a tree that its lender holds as a whole', () => {
    const graph = lending(['r/**', 'r']);
    graph.submit(under('lender', task('one', 3, ['r/a'])));
    graph.submit(under('lender', task('all', 4, ['r/**'])));
    graph.submit(under('lender', task('two', 5, ['r/b'])));
    expect(runnable(graph)).to.deep.equal(['one']);
    graph.grant('one');
    graph.remove('one');
    expect(runnable(graph)).to.deep.equal(['all']);
  });

  it('borrows through a chain, also what only the first lender holds', () => {
    const graph = lending(['r', 'q']);
    graph.submit(under('lender', task('child', 3, ['r'])));
    graph.grant('child');
    graph.submit(under('child', task('grandchild', 4, ['r', 'q'])));
    expect(graph.lendersOf('grandchild')).to.deep.equal(['child', 'lender']);
    expect(runnable(graph)).to.deep.equal(['grandchild']);
    graph.submit(under('lender', task('sibling', 5, ['q'])));
    graph.grant('grandchild');
    expect(runnable(graph), 'what a grandchild has nobody else has').to.deep.equal([]);
    graph.remove('grandchild');
    expect(runnable(graph)).to.deep.equal(['sibling']);
  });

  it('waits for a lender that reads what it is to write, though that one’s own lender has the whole', () => {
    const graph = lending(['a/**']);
    graph.submit(under('lender', task('reader', 3, [], ['a/b'])));
    graph.grant('reader');
    graph.submit(under('reader', task('writer', 4, ['a/b'])));
    expect(graph.lendersOf('writer')).to.deep.equal(['reader', 'lender']);
    expect(runnable(graph)).to.not.include('writer');
    graph.remove('reader');
    expect(graph.lendersOf('writer')).to.deep.equal([]);
  });

  it('borrows by the grant that was lent, and by no later one', () => {
    const graph = lending();
    graph.submit(under('lender', task('late', 3, ['r']), FENCE - 1));
    expect(runnable(graph)).to.deep.equal([]);
    expect(graph.lendersOf('late')).to.deep.equal([]);
  });

  it('borrows also when it was there before its lender was known to hold', () => {
    const graph = new ConflictGraph(fenceOf);
    graph.submit(under('lender', task('borrower', 3, ['r'])));
    graph.submit(task('lender', 1, ['r']));
    expect(runnable(graph)).to.deep.equal(['lender']);
    graph.grant('lender');
    expect(runnable(graph)).to.deep.equal(['borrower']);
  });

  it('agrees with the plain rule over random lives of many tasks', () => {
    const names = ['p', 'q', 'a/b', 'a/c', 'a/**'];
    const step = fc.record({
      kind: fc.constantFrom('submit', 'borrow', 'borrow', 'borrow', 'again', 'remove', 'grant', 'grant'),
      pick: fc.nat(50),
      exclusive: fc.subarray(names, { maxLength: 2 }),
      shared: fc.subarray(names, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const graph = new ConflictGraph(fenceOf);
        const naive = new Naive();
        let next = 0;
        const put = (contender: Contender): void => {
          graph.submit(contender);
          naive.tasks.delete(contender.id);
          naive.tasks.set(contender.id, { ...contender });
        };
        for (const { kind, pick, exclusive, shared } of steps) {
          const seq = (next += 1);
          const known = [...naive.tasks.values()];
          const holding = known.filter(each => each.granted);
          const chosen = known[pick % Math.max(known.length, 1)];
          const lender = holding[pick % Math.max(holding.length, 1)];
          const fresh = task(
            `t${seq}`,
            seq,
            exclusive,
            shared.filter(name => !exclusive.includes(name)),
          );
          if (fresh.claims.length === 0) continue;
          if (kind === 'submit') put(fresh);
          else if (kind === 'borrow' && lender) put(under(lender.id, fresh, pick % 9 === 0 ? FENCE + 1 : FENCE));
          else if (kind === 'again' && chosen) put({ ...chosen, seq, granted: false });
          else if (kind === 'remove' && chosen) {
            graph.remove(chosen.id);
            naive.tasks.delete(chosen.id);
          } else if (kind === 'grant') {
            const id = naive.runnable()[pick % 2];
            if (id === undefined) continue;
            graph.grant(id);
            naive.tasks.get(id)!.granted = true;
          }
          expect(runnable(graph)).to.deep.equal(naive.runnable());
          for (const each of naive.tasks.values())
            expect(graph.lendersOf(each.id)).to.deep.equal(naive.chain(each).map(({ id }) => id));
        }
      }),
      { numRuns: 500 },
    );
  });
});
