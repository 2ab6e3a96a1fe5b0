import { expect } from 'chai';
import fc from 'fast-check';

import { explain } from '../../../src/core/explain.js';
import { claimsOf } from '../../../src/core/reservation.js';
import type { Task } from '../../../src/core/task.js';
import type { Hints } from '../../../src/dispatch/hints.js';
import { readLines } from '../../../src/dispatch/lines.js';
import { silentLog } from '../../../src/process/log.js';
import { Term } from '../../../src/process/term.js';
import { Book } from '../../../src/resource-manager/book.js';
import { readCapacities } from '../../../src/resource-manager/capacities.js';
import { Granting } from '../../../src/resource-manager/granting.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { placeOf, NAMES, taskOf, toldOf, UNITS, type Wanted } from '../../support/waiting-world.js';

const CLOCK = { monotonicMs: () => 0, wall: () => new Date() };
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Tasks that come, end and wait in a store in memory, with the book and the grants of the real resource manager. */
class World {
  readonly #changed = new Set<string>();
  readonly db = new SimulatedDatabase(
    () => new Date(),
    ({ id }) => void this.#changed.add(id),
  );
  readonly store = simulatedStore(this.db);
  readonly #book = new Book(silentLog, CLOCK);
  #granting: Promise<Granting> | undefined;

  async submit(wanted: Wanted, lender: number | undefined): Promise<void> {
    const task = taskOf(wanted);
    if (!task) return;
    const holders = this.open().filter(each => each.grant);
    const from = lender === undefined ? undefined : holders[lender % Math.max(1, holders.length)];
    const under = from?.grant && { under: { task: from.id, fence: from.grant.fence } };
    await this.store.tasks.insert([{ ...task, ...under }], await this.store.tasks.takeNumbers(1));
    await this.grant();
  }

  /** Cancels one of those that are open: a holder has not started yet, so that it ends at once. */
  async end(id: string): Promise<void> {
    await this.store.tasks.cancel(id, 'test', 'user');
    await this.grant();
  }

  async endSome(which: number): Promise<void> {
    const open = this.open();
    const one = open[which % Math.max(1, open.length)];
    if (one) await this.end(one.id);
  }

  async declare(units: number): Promise<void> {
    await this.store.capacities.declare('gpu', units);
    await this.grant();
  }

  open(): Task[] {
    return [...this.db.tasks.open()];
  }

  waiting(): Task[] {
    return this.open().filter(task => !task.grant);
  }

  /** As the resource manager does, which has read everything anew. */
  async grant(): Promise<void> {
    const granting = await (this.#granting ??= this.#lead());
    for (const id of this.#changed) {
      const task = this.db.task(id);
      if (task) this.#book.apply(task);
    }
    this.#changed.clear();
    await readCapacities({ capacities: this.store.capacities, book: this.#book }, true);
    await granting.runOnce();
    if (this.#changed.size > 0) await this.grant();
  }

  async #lead(): Promise<Granting> {
    const lease = (await this.store.leases.acquire('resource-manager', { name: 'rm', incarnation: 'rm/1' }, 1e9))!;
    return new Granting({
      ...{ grants: this.store.grants, rates: this.store.rates, book: this.#book, log: silentLog },
      term: new Term(lease, { clock: CLOCK, trustMs: Infinity }, 0),
      hints: { start: () => undefined } as unknown as Hints,
      assign: () => undefined,
    });
  }

  isGranted(id: string): boolean {
    return this.db.task(id)?.grant !== undefined;
  }
}

const wanted: fc.Arbitrary<Wanted> = fc.record({
  exclusive: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
  shared: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
  gpu: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 })),
  limited: fc.boolean(),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      wanted,
      lender: fc.option(fc.nat(5), { nil: undefined, freq: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('declare' as const), units: fc.integer({ min: 1, max: 5 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function worldAfter(steps: readonly Step[]): Promise<World> {
  const world = new World();
  await world.declare(UNITS);
  for (const each of steps) {
    if (each.kind === 'submit') await world.submit(each.wanted, each.lender);
    else if (each.kind === 'end') await world.endSome(each.which);
    else await world.declare(each.units);
  }
  return world;
}

const none: Wanted = { exclusive: [], shared: [], gpu: 0, limited: false };
const submit = (change: Partial<Wanted>, lender?: number): Step => ({ kind: 'submit', wanted: { ...none, ...change }, lender });
/** What was told wrong once: a borrower was said to be next that waited for … */
const FOUND: Step[][] = [
  // … its own lender, which holds less than is asked of the lender's lender;
  [submit({ exclusive: ['tree/**'] }), submit({ shared: ['tree/x/y'] }, 0), submit({ exclusive: ['tree/x/y'] }, 1)],
  // … another borrower, whose lender stands in none of its lines;
  [submit({ exclusive: ['b'] }), submit({ gpu: 1 }, 0), submit({ exclusive: ['b'] }, 1), submit({ shared: ['b'] }, 0)],
  // … one that was a borrower until its own lender ended.
  [
    ...[submit({ exclusive: ['tree/**'] }), submit({ shared: ['a'] }, 0), submit({ exclusive: ['tree/x/**'] }, 1)],
    ...[{ kind: 'end' as const, which: 1 }, submit({ shared: ['tree/**'] }, 0)],
  ],
];

/** Who borrows may come in between: its lender lets it in before those who wait. So the second property is one of tasks that do not. */
const plain = step.map((each): Step => (each.kind === 'submit' ? { ...each, lender: undefined } : each));

describe('What is told of a task that waits for its resources, after anything', function () {
  this.timeout(120_000);
  const steps = fc.array(step, { minLength: 5, maxLength: 25, size: 'max' });

  it('names somebody who blocks it, and nobody else; and its place in each line', async () => {
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(steps, async given => {
        const world = await worldAfter(given);
        const waiting = world.waiting();
        for (const task of waiting) {
          const told = await toldOf(world.store, task);
          expect(
            told.judged.some(({ blocked }) => blocked),
            'what nothing blocks is granted',
          ).to.equal(true);
          expect(told.blockers.length > 0 || told.never, 'there is a reason').to.equal(true);
          const { text, resources } = explain({
            ...{ task, lines: await readLines(world.store, task), workers: [], now: new Date() },
            ...{ resourceManager: true, beat: true },
          });
          for (const id of text.match(ID) ?? []) expect(told.blockers, text).to.include(id);
          if (task.under) continue; // its place is one among those who borrow
          for (const [index, claim] of claimsOf(task).entries())
            expect(resources[index]?.position, `${claim.mode} ${claim.resource}`).to.equal(placeOf(task, claim, waiting));
          seen += 1;
        }
      }),
      { numRuns: 150, examples: FOUND.map(each => [each]) },
    );
    expect(seen).to.be.greaterThan(100);
  });

  it('is granted when those have ended who are told to be in its way, and not before', async () => {
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(plain, { minLength: 5, maxLength: 25, size: 'max' }),
        fc.nat(30),
        fc.array(fc.nat(100), { minLength: 5, maxLength: 5 }),
        async (given, which, order) => {
          const world = await worldAfter(given);
          const candidates = world.waiting();
          const task = candidates[which % Math.max(1, candidates.length)];
          if (!task) return;
          const { blockers, opposed, never } = await toldOf(world.store, task);
          const left = new Set(blockers);
          for (let turn = 0; left.size > 0; turn++) {
            const one = [...left][order[turn % order.length]! % left.size]!;
            const alone = opposed.some(id => left.has(id));
            expect(world.isGranted(task.id) && alone, 'while somebody opposes it').to.equal(false);
            left.delete(one);
            await world.end(one);
          }
          expect(world.isGranted(task.id), 'when all have ended').to.equal(!never);
          seen += 1;
        },
      ),
      { numRuns: 200 },
    );
    expect(seen).to.be.greaterThan(50);
  });
});
