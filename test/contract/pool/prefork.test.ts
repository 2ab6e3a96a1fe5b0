import { expect } from 'chai';

import { exclusiveJob, heard, jobOf, linesOf } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { awaitingContract } from './awaiting.contract.js';
import { bodiesContract } from './bodies.contract.js';
import { cancellingContract } from './cancelling.contract.js';
import { failuresContract } from './failures.contract.js';
import { lifeContract } from './life.contract.js';
import { resizingContract } from './resizing.contract.js';
import { failure, result, sharedPool } from './support.js';

const MINUTE = 60_000;

describe('A pool of child processes for one task each', function () {
  this.timeout(2 * MINUTE);
  const shared = sharedPool('prefork');
  const { pool, file } = shared;
  bodiesContract(shared);
  failuresContract(shared);
  cancellingContract(shared);
  lifeContract('prefork');
  describe('whose bodies await others', () => awaitingContract('prefork', (slots, awaiting) => slots + awaiting));
  describe('that is resized', () => resizingContract('prefork', slots => slots));

  it('makes the directory of a task the current one', async () => {
    const job = jobOf('basic.describeMe');
    const seen = await result(pool().run(job, heard()));
    expect(seen).to.include({ directory: file(`work/worker@test/${job.task.id}`) });
  });

  it('loses the child of a rejection that nobody handles', async () => {
    const outcome = await failure(pool().run(jobOf('rough.rejectUnseen'), heard()));
    expect(outcome.exit).to.deep.equal({ code: 1, signal: null });
    await until('the slot to be filled again', () => pool().stats().children.length === 2);
  });

  it('keeps the end of a body that throws after it, and fills the slot again', async () => {
    const pid = await result(pool().run(jobOf('rough.throwLater'), heard()));
    expect(pid).to.be.a('number');
    const children = (): number[] =>
      pool()
        .stats()
        .children.map(child => child.pid);
    await until('another child', () => children().length === 2 && !children().includes(pid as number));
    expect(await result(pool().run(jobOf('basic.add', [2, 2]), heard()))).to.equal(4);
  });

  it('uses a child again after an exclusive task that left nothing', async () => {
    const pids = new Set<unknown>();
    for (let n = 0; n < 6; n += 1) pids.add(await result(pool().run(exclusiveJob('rough.pidOfChild'), heard())));
    expect(pids.size).to.be.at.most(2);
  });

  for (const detached of [false, true]) {
    it(`ends what an exclusive task leaves behind (${detached ? 'its own session' : 'same group'}) before the task ends`, async () => {
      const left = file(`left-${detached}`);
      await result(pool().run(exclusiveJob('rough.grandchild', [{ file: left, detached, outlive: true }]), heard()));
      await expectQuiet(left);
    });
  }

  it('replaces a child in which an exclusive task left a timer', async () => {
    const left = file('timer');
    const pid = await result(pool().run(exclusiveJob('rough.leaveTimer', [{ file: left }]), heard()));
    expect(
      pool()
        .stats()
        .children.map(child => child.pid),
    ).to.not.include(pid);
    await expectQuiet(left);
  });

  /** Another task takes longer than several of its ticks would. */
  async function expectQuiet(name: string): Promise<void> {
    const now = linesOf(name).length;
    await result(pool().run(jobOf('test.wait', [], { kwargs: { ms: 200 } }), heard()));
    expect(linesOf(name).length).to.equal(now);
  }
});
