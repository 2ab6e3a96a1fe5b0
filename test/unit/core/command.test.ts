import { expect } from 'chai';

import { nextWish, wishOfSuccessor, type Command } from '../../../src/core/command.js';
import type { Wish } from '../../../src/core/wish.js';

const AT = new Date(0);
type Worker = Parameters<typeof nextWish>[0];

/** A worker that heeds each wish at once, or none. */
function after(commands: readonly Command[], { heeds }: { heeds: boolean }): Worker {
  let worker: Worker = { incarnation: 'i1', slots: 4, pool: 'prefork' };
  for (const command of commands) {
    const next = nextWish(worker, command, 'id');
    if (typeof next === 'string') return expect.fail(next);
    const slots = heeds ? (next.slots?.count ?? worker.slots) : worker.slots;
    worker = { ...worker, wish: { ...next, at: AT }, slots, ...(heeds && { heeded: next.n }) };
  }
  return worker;
}

describe('what is wanted of a worker', () => {
  it('is numbered, and keeps what was wanted before', () => {
    const { wish } = after([{ action: 'pool', slots: 2 }, { action: 'drain' }, { action: 'shutdown', stage: 'warm' }], {
      heeds: true,
    });
    const shutdown = { incarnation: 'i1', stage: 'warm' };
    expect(wish).to.deep.include({ n: 3, paused: true, draining: true, slots: { n: 1, count: 2 }, shutdown });
  });

  it('is taken back by a resume, whether it was paused or drained', () => {
    expect(after([{ action: 'drain' }, { action: 'resume' }], { heeds: true }).wish).to.include({
      paused: false,
      draining: false,
    });
    expect(after([{ action: 'drain' }, { action: 'pause' }], { heeds: true }).wish, 'a pause of a drained one').to.include({
      draining: true,
    });
  });

  it('counts growth from what it was last asked for, heeded or not', () => {
    const grown: Command[] = [{ action: 'pool', grow: 3 }, { action: 'pause' }, { action: 'pool', grow: -2 }];
    for (const heeds of [true, false]) expect(after(grown, { heeds }).wish?.slots?.count, String(heeds)).to.equal(5);
  });

  it('never leaves a worker without slots, nor with more than its pool can have', () => {
    const worker = after([], { heeds: true });
    for (const command of [{ slots: 0 }, { slots: 513 }, { grow: -4 }, { grow: 509 }])
      expect(nextWish(worker, { action: 'pool', ...command }, 'id')).to.match(/expected 1 to 512/);
    expect(nextWish({ ...worker, pool: 'async' }, { action: 'pool', slots: 10_000 }, 'id')).to.be.an('object');
  });

  it('goes on to later stages of an end, and never back', () => {
    const end = (stage: 'warm' | 'soft' | 'cold'): Command => ({ action: 'shutdown', stage });
    expect(after([end('warm'), end('cold'), end('soft')], { heeds: false }).wish?.shutdown?.stage).to.equal('cold');
    const next = nextWish({ ...after([end('cold')], { heeds: true }), incarnation: 'i2' }, end('warm'), 'id');
    expect(next, 'of its successor').to.deep.include({ shutdown: { incarnation: 'i2', stage: 'warm' } });
  });

  it('stays paused where the record was forgotten while the worker was cut off', () => {
    expect(nextWish({ incarnation: 'i', slots: 1, paused: true, heeded: 8 }, { action: 'pool', slots: 2 }, 'id')).to.deep.include(
      {
        n: 9,
        paused: true,
      },
    );
  });

  it('is inherited as far as it is about the name, or was not heeded; never a shutdown', () => {
    const wish: Wish = {
      n: 5,
      id: 'id',
      at: AT,
      paused: true,
      draining: true,
      slots: { n: 4, count: 9 },
      shutdown: { incarnation: 'i', stage: 'soft' },
    };
    const of = (heeded: number | undefined): Wish | undefined =>
      wishOfSuccessor({ wish, ...(heeded !== undefined && { heeded }) });
    expect(of(undefined)).to.deep.equal({ n: 5, id: 'id', at: AT, paused: true, draining: true, slots: { n: 4, count: 9 } });
    expect(of(3)).to.have.property('slots');
    expect(of(4)).to.not.have.any.keys('slots', 'shutdown');
    expect(wishOfSuccessor({})).to.equal(undefined);
  });
});
