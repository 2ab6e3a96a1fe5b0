import { expect } from 'chai';
import fc from 'fast-check';
import { Portions, type Portion } from '../../../src/broker/amqp/portions.js';

/** A broker in miniature: open portions are filled to their prefetch, in any order. */
class Model {
  readonly portions = new Portions();
  readonly held: Portion[] = [];
  readonly #open: Portion[] = [];
  limit = 0;
  #tags = 0;

  setLimit(limit: number): void {
    this.limit = limit;
    for (let moves = 0; ; moves++) {
      const next = this.portions.next(limit);
      if (!next) return;
      expect(moves, 'moves towards a limit').to.be.below(100);
      if (next.move === 'consume') this.#open.push(this.portions.open(String(++this.#tags), next.prefetch));
      else this.#cancel(next.portion);
    }
  }

  deliver(): void {
    const portion = this.#open.find(p => p.unacknowledged < p.prefetch);
    if (!portion) return;
    this.portions.delivered(portion);
    this.held.push(portion);
  }

  acknowledge(which: number): void {
    const [portion] = this.held.splice(which % Math.max(1, this.held.length), 1);
    if (portion) this.portions.settled(portion);
    this.setLimit(this.limit);
  }

  #cancel(portion: Portion): void {
    this.#open.splice(this.#open.indexOf(portion), 1);
    this.portions.cancelled(portion);
    this.portions.cancelled(portion);
  }
}

type Step = { limit: number } | { deliver: number } | { acknowledge: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ limit: fc.nat(20) }),
    fc.record({ deliver: fc.integer({ min: 1, max: 10 }) }),
    fc.record({ acknowledge: fc.nat(50) }),
  ),
  { maxLength: 200 },
);

function run(model: Model, step: Step): void {
  if ('limit' in step) model.setLimit(step.limit);
  else if ('acknowledge' in step) model.acknowledge(step.acknowledge);
  else for (let n = 0; n < step.deliver; n++) model.deliver();
}

describe('the portions of a prefetch', () => {
  it('never let more than the limit come, and always as much as the limit allows', () => {
    fc.assert(
      fc.property(steps, sequence => {
        const model = new Model();
        for (const step of sequence) {
          const before = model.held.length;
          run(model, step);
          // A lowered limit takes nothing back; it only lets nothing more come.
          expect(model.held.length).to.be.at.most(Math.max(before, model.limit));
          expect(model.portions.free).to.equal(Math.max(0, model.limit - model.held.length));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are raised by one more consumer, without a cancel', () => {
    const portions = new Portions();
    portions.open('a', 2);
    expect(portions.next(5)).to.deep.equal({ move: 'consume', prefetch: 3 });
  });

  it('are all cancelled at 0', () => {
    const model = new Model();
    for (const limit of [1, 3, 6]) model.setLimit(limit);
    expect(model.portions.count).to.equal(3);
    model.setLimit(0);
    expect(model.portions.count).to.equal(0);
  });
});
