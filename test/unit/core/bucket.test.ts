import { expect } from 'chai';
import fc from 'fast-check';

import { Bucket, debtOf, type StoredBucket } from '../../../src/core/bucket.js';
import { burstOf, intervalMsOf, type Limit } from '../../../src/core/rate.js';

const TEN = { count: 10, perMs: 1_000 };
const DAILY = { count: 1, perMs: 86_400_000 };

/** What a leader may meet with: time goes by, it grants what it may, tasks begin, it hears of them, and it has a successor. */
type Step =
  { do: 'wait'; ms: number } | { do: 'grant'; most: number } | { do: 'begin'; most: number } | { do: 'hear' } | { do: 'succeed' };

const steps = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 1_500 }).map((ms): Step => ({ do: 'wait', ms })),
    fc.integer({ min: 1, max: 20 }).map((most): Step => ({ do: 'grant', most })),
    fc.integer({ min: 1, max: 20 }).map((most): Step => ({ do: 'begin', most })),
    fc.constant<Step>({ do: 'hear' }),
    fc.constant<Step>({ do: 'succeed' }),
  ),
  { maxLength: 80 },
);
const limits = fc.constantFrom<Limit>(TEN, { count: 3, perMs: 1_000 }, { count: 1, perMs: 1_000 }, { count: 5, perMs: 10_000 });

/** A deployment with one key: what is so, and what its leader knows. */
class World {
  readonly starts: number[] = [];
  now = 1_000;
  #bucket: Bucket;
  #stored: (Omit<StoredBucket, 'debtMs' | 'lastBegunMsAgo'> & { fullAtMs: number }) | undefined;
  #pending: number[] = [];
  #begun = new Map<number, number>();
  #unheard = 0;
  #granted = 0;
  readonly limit: Limit;

  constructor(limit: Limit) {
    this.limit = limit;
    this.#bucket = new Bucket(limit);
  }

  take(step: Step): void {
    if (step.do === 'wait') this.now += step.ms;
    else if (step.do === 'grant') this.#grant(Math.min(step.most, this.#bucket.tokens(this.now)));
    else if (step.do === 'begin') for (const id of this.#pending.splice(0, step.most)) this.#begin(id);
    else if (step.do === 'hear') this.#hear();
    else this.#succeed();
  }

  #grant(count: number): void {
    if (count === 0) return;
    for (let n = 0; n < count; n++) this.#pending.push(this.#granted++);
    this.#bucket.take(count, this.now);
    const [fullAtMs, pending] = [this.now + this.#bucket.debtMs(this.now), this.#bucket.pending];
    this.#stored = { ...this.limit, key: 'k', seq: 1, pending, last: { task: String(this.#granted - 1), fence: 1 }, fullAtMs };
  }

  #begin(id: number): void {
    this.starts.push(this.now);
    this.#begun.set(id, this.now);
    this.#unheard++;
  }

  #hear(): void {
    while (this.#unheard > 0) {
      this.#bucket.begun(this.now);
      this.#unheard--;
    }
  }

  /** All that a new leader has is the record and who has not begun. */
  #succeed(): void {
    this.#bucket = new Bucket(this.limit);
    this.#unheard = 0;
    this.#pending.forEach(() => this.#bucket.mayBegin());
    if (!this.#stored) return;
    const { fullAtMs, ...stored } = this.#stored;
    const begunAt = this.#begun.get(Number(stored.last.task));
    const lastBegunMsAgo = begunAt === undefined ? null : this.now - begunAt;
    this.#bucket.owes(debtOf({ ...stored, debtMs: fullAtMs - this.now, lastBegunMsAgo }, 0), this.now);
  }
}

function checkLaw(starts: readonly number[], limit: Limit): void {
  for (let from = 0; from < starts.length; from++) {
    for (let to = from; to < starts.length; to++) {
      const most = burstOf(limit) + (starts[to]! - starts[from]!) / intervalMsOf(limit);
      expect(to - from + 1, `starts from ${starts[from]} to ${starts[to]}`).to.be.at.most(most + 1e-3);
    }
  }
}

describe('a bucket of tokens', () => {
  it('lets no more start in any time than its burst and what the rate adds, whatever is known late, over leaders', () => {
    fc.assert(
      fc.property(limits, steps, (limit, all) => {
        const world = new World(limit);
        for (const step of all) world.take(step);
        checkLaw(world.starts, limit);
      }),
      { numRuns: 2_000 },
    );
  });

  it('lets the whole rate through when what is granted begins at once', () => {
    const bucket = new Bucket(TEN);
    let starts = 0;
    for (let now = 0; now <= 10_000; now += 20) {
      const count = bucket.tokens(now);
      bucket.take(count, now);
      for (let n = 0; n < count; n++) bucket.begun(now);
      starts += count;
    }
    expect(starts).to.equal(10 + 100);
  });

  it('lets nearly the whole rate through when starts are heard of once a second', () => {
    const bucket = new Bucket(TEN);
    let starts = 0;
    for (let now = 0; now <= 20_000; now += 10) {
      if (now % 1_000 === 0) while (bucket.pending > 0) bucket.begun(now);
      const count = bucket.tokens(now);
      bucket.take(count, now);
      starts += count;
    }
    expect(starts).to.be.at.least(185);
  });

  it('counts what was granted and has not begun: a backlog that waits for workers is one second long', () => {
    const bucket = new Bucket(TEN);
    bucket.take(10, 0);
    expect([bucket.tokens(60_000), bucket.waitMs(60_000)]).to.deep.equal([0, Infinity]);
    for (let n = 0; n < 4; n++) bucket.begun(60_000);
    expect([bucket.tokens(60_000), bucket.waitMs(60_000)]).to.deep.equal([0, 100]);
    expect([bucket.tokens(60_250), bucket.tokens(70_000)]).to.deep.equal([2, 4]);
  });

  it('makes no token when its limit goes to and fro', () => {
    const bucket = new Bucket(TEN);
    bucket.take(10, 0);
    for (let n = 0; n < 10; n++) bucket.begun(0);
    for (let n = 0; n < 5; n++) for (const limit of [DAILY, TEN]) bucket.change(limit, 0);
    expect(bucket.tokens(0)).to.equal(0);
    expect(bucket.tokens(100)).to.equal(1);
  });

  it('does not make a key wait for a day whose limit of one a day is lifted', () => {
    const bucket = new Bucket(DAILY);
    bucket.take(1, 0);
    bucket.begun(0);
    expect(bucket.waitMs(0)).to.equal(DAILY.perMs);
    bucket.change(TEN, 0);
    expect(bucket.waitMs(0)).to.be.closeTo(100, 1e-3);
  });

  describe('at a new leader', () => {
    const stored = (change: Partial<StoredBucket>): StoredBucket => ({
      ...{ ...DAILY, key: 'k', seq: 1, pending: 1, last: { task: 't', fence: 1 }, debtMs: -5, lastBegunMsAgo: null },
      ...change,
    });

    it('owes from when the last one began, however long that had waited', () => {
      expect(debtOf(stored({ lastBegunMsAgo: 1_000 }), 0)).to.equal(DAILY.perMs - 1_000);
      expect(debtOf(stored({}), 0), 'not begun').to.equal(0);
      expect(debtOf(stored({ lastBegunMsAgo: undefined }), 40), 'deleted').to.equal(DAILY.perMs - 40);
    });

    it('takes all who were ready for begun just before it took over', () => {
      expect(debtOf(stored({ ...TEN, pending: 7, lastBegunMsAgo: 3 }), 200)).to.equal(500);
      expect(debtOf(stored({ ...TEN, pending: 7, debtMs: 640 }), 200)).to.equal(640);
    });

    it('owes at most a whole bucket, whatever a clock that jumped says', () => {
      expect(debtOf(stored({ debtMs: 1e12 }), 0)).to.equal(DAILY.perMs);
      expect(debtOf(stored({ ...TEN, pending: 900, debtMs: 1e12 }), 0)).to.equal(1_000);
    });
  });
});
