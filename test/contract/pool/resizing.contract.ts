import { expect } from 'chai';

import type { Pool, RunOutcome } from '../../../src/worker/pool.js';
import { heard, jobOf, poolFolder, poolOptions } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { createPool, type PoolKind } from './pool-under-test.js';
import { result } from './support.js';

/** Runs until it is let go. */
interface Patient {
  id: string;
  end: Promise<RunOutcome>;
  begun: () => boolean;
}

/** `childrenOf` says how many children there are for so many slots, once it has settled. */
export function resizingContract(kind: PoolKind, childrenOf: (slots: number) => number): void {
  const folder = poolFolder();
  let pool: Pool;

  const startWith = async (slots: number): Promise<void> => {
    pool = createPool(kind, poolOptions(folder.root, { slots }));
    await pool.start();
    await settled(slots);
  };
  const settled = (slots: number): Promise<unknown> =>
    until(`the children of ${slots} slots`, () => pool.stats().children.length === childrenOf(slots));
  const patient = (): Patient => {
    const events = heard();
    const job = jobOf('test.finish-anyway');
    return { id: job.task.id, end: pool.run(job, events), begun: () => events.reports.length > 0 };
  };
  const allBegun = (patients: readonly Patient[]): Promise<unknown> =>
    until('all bodies to have begun', () => patients.every(({ begun }) => begun()));
  const letGo = async ({ id, end }: Patient): Promise<void> => {
    pool.cancel(id, 'user');
    expect(await result(end)).to.equal('finished anyway');
  };

  afterEach(() => pool.stop());
  after(() => folder.remove());

  it('runs more at a time when it grows, beside what ran before', async () => {
    await startWith(1);
    const first = patient();
    await allBegun([first]);
    pool.resize(3);
    const all = [first, patient(), patient()];
    await allBegun(all);
    expect(pool.stats()).to.include({ slots: 3, busy: 3 });
    await settled(3);
    for (const each of all) await letGo(each);
  });

  it('lets all that runs come to its end when it shrinks, and then has what it needs', async () => {
    await startWith(3);
    const all = [patient(), patient(), patient()];
    await allBegun(all);
    pool.resize(1);
    expect(pool.slots).to.equal(1);
    for (const each of all) await letGo(each);
    await settled(1);
    expect(await result(pool.run(jobOf('basic.add', [1, 2]), heard()))).to.equal(3);
    expect(pool.stats()).to.include({ slots: 1, busy: 0 });
  });

  it('gives up what has nothing to do when it shrinks, and starts it again when it grows', async () => {
    await startWith(3);
    const running = patient();
    await allBegun([running]);
    pool.resize(1);
    await settled(1);
    expect(pool.stats().children[0]).to.deep.include({ tasks: [running.id] });
    pool.resize(2);
    await settled(2);
    await letGo(running);
  });

  it('has a child also for a start that was waiting for one when it shrank', async () => {
    await startWith(2);
    const running = patient();
    await allBegun([running]);
    const waiting = [patient(), patient()];
    pool.resize(1);
    await allBegun(waiting);
    for (const each of [running, ...waiting]) await letGo(each);
    await settled(1);
  });

  it('ends at the last size that it is given, however quickly they follow on one another', async () => {
    await startWith(1);
    for (const slots of [4, 1, 3, 1, 2]) pool.resize(slots);
    await settled(2);
    const all = [patient(), patient()];
    await allBegun(all);
    for (const each of all) await letGo(each);
    await settled(2);
  });
}
