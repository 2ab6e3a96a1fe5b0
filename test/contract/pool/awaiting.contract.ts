import { expect } from 'chai';

import { deferred } from '../../../src/worker/children/deferred.js';
import type { ChildOutcome } from '../../../src/tasks/child-task.js';
import type { Pool } from '../../../src/worker/pool.js';
import { heard, jobOf, poolFolder, poolOptions, type Heard } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { createPool, type PoolKind } from './pool-under-test.js';
import { failure, result } from './support.js';

/** `childrenOf` says how many children there are for so many slots, and so many runs that wait. */
export function awaitingContract(kind: PoolKind, childrenOf: (slots: number, awaiting: number) => number): void {
  const folder = poolFolder();
  let pool: Pool;
  const asked: string[] = [];
  let answer = deferred<ChildOutcome>();
  let left: AbortSignal | undefined;

  beforeEach(async () => {
    asked.length = 0;
    answer = deferred();
    left = undefined;
    pool = createPool(kind, poolOptions(folder.root, { slots: 1, taskModules: ['./basic.ts', './rough.ts', './family.ts'] }));
    await pool.start();
  });
  afterEach(() => pool.stop());
  after(() => folder.remove());

  /** What a body hears that waits for `spawned-1`. */
  const patient = (): Heard =>
    heard({
      outcomeOf: (id, signal) => {
        asked.push(id);
        left = signal;
        return answer.promise;
      },
    });
  const caller = (): ReturnType<typeof jobOf> => jobOf('test.caller', [], { kwargs: { reserves: [] } });
  const completed: ChildOutcome = { id: 'spawned-1', name: 'test.nap', state: 'completed', result: { napped: 1 } };

  it('says that a child will be awaited, asks for its end, and goes on with its result', async () => {
    const events = patient();
    const how: unknown[] = [];
    const running = pool.run(caller(), { ...events, spawn: (body, said) => (how.push(said), events.spawn(body, said)) });
    await until('the body to wait', () => asked.length > 0);
    expect(asked).to.deep.equal(['spawned-1']);
    expect(how).to.deep.equal([{ awaited: true }]);
    answer.resolve(completed);
    expect(await result(running)).to.deep.equal({ napped: 1 });
  });

  it('fails a body that lets the failure of its child through, and tells which', async () => {
    const running = pool.run(caller(), patient());
    answer.resolve({ ...completed, state: 'canceled', reason: 'user' });
    const { error } = await failure(running);
    expect(error).to.include({ code: 'CHILD_FAILED', message: 'The task spawned-1 (test.nap) is canceled (user).' });
  });

  it('runs another one in the slot of one that waits, and then the first goes on', async () => {
    const job = caller();
    const running = pool.run(job, patient());
    await until('the body to wait', () => asked.length > 0);
    pool.setAwaiting(job.task.id, true);
    expect(pool.stats()).to.include({ slots: 1, busy: 0, awaiting: 1 });
    expect(await result(pool.run(jobOf('basic.add', [1, 2]), heard()))).to.equal(3);
    await until('as many children as are needed', () => pool.stats().children.length === childrenOf(1, 1));
    pool.setAwaiting(job.task.id, false);
    expect(pool.stats()).to.include({ busy: 1, awaiting: 0 });
    answer.resolve(completed);
    expect(await result(running)).to.deep.equal({ napped: 1 });
    expect(pool.stats()).to.include({ busy: 0, awaiting: 0 });
  });

  it('ends the wait of a body that is cancelled, and says so', async () => {
    const job = caller();
    const running = pool.run(job, patient());
    await until('the body to wait', () => asked.length > 0);
    pool.setAwaiting(job.task.id, true);
    pool.cancel(job.task.id, 'user');
    expect(await running).to.include({ kind: 'canceled', reason: 'user' });
    expect(left?.aborted).to.equal(true);
    expect(pool.stats()).to.include({ busy: 0, awaiting: 0 });
    answer.resolve(completed); // comes too late, and harms nobody
    expect(await result(pool.run(jobOf('basic.add', [1, 2]), heard()))).to.equal(3);
  });

  it('loses one that waits with everything else', async () => {
    const job = caller();
    const running = pool.run(job, patient());
    await until('the body to wait', () => asked.length > 0);
    pool.setAwaiting(job.task.id, true);
    await pool.killAll();
    expect(await running).to.include({ kind: 'canceled', reason: 'worker-lost' });
    expect(pool.stats()).to.include({ busy: 0, awaiting: 0 });
  });

  it('expects no reports of one that waits, but counts the rest of its time', async () => {
    const limited = (timeLimits: object): ReturnType<typeof jobOf> =>
      jobOf('test.caller', [], { kwargs: { reserves: [] }, timeLimits });
    const job = limited({ stallMs: 300 });
    const running = pool.run(job, patient());
    await until('the body to wait', () => asked.length > 0);
    pool.setAwaiting(job.task.id, true);
    const other = limited({ hardMs: 900 });
    expect((await failure(pool.run(other, patient()))).error.code, 'the whole time counts').to.equal('TIME_LIMIT');
    expect(pool.stats().awaiting, 'which is longer than the other may be silent').to.equal(1);
    pool.setAwaiting(job.task.id, false);
    expect((await failure(running)).error.code).to.equal('STALLED');
  });
}
