import { expect } from 'chai';

import { isGone } from '../../../src/process/identity.js';
import type { Pool } from '../../../src/worker/pool.js';
import type { PoolOptions } from '../../../src/worker/children/pool-options.js';
import { heard, jobOf, linesOf, poolFolder, poolOptions } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { createPool, type PoolKind } from './pool-under-test.js';

const MINUTE = 60_000;

export function lifeContract(kind: PoolKind): void {
  const folder = poolFolder();
  const pools: Pool[] = [];

  const poolWith = (more: Partial<PoolOptions> = {}): Pool => {
    const pool = createPool(kind, poolOptions(folder.root, more));
    pools.push(pool);
    return pool;
  };

  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.stop();
  });
  after(() => folder.remove());

  const pidOf = async (pool: Pool): Promise<number> => {
    const outcome = await pool.run(jobOf('rough.pidOfChild'), heard());
    return outcome.kind === 'completed' ? (outcome.result as number) : expect.fail(JSON.stringify(outcome));
  };

  it('refuses to start with a task module that cannot be loaded, naming it', async () => {
    const error = await poolWith({ taskModules: ['./nothing-here.ts'] })
      .start()
      .catch((thrown: unknown) => thrown);
    expect(error).to.be.an('error').with.property('message').that.contains('nothing-here.ts');
  });

  it('knows its types when it is ready, and how it is filled', async () => {
    const pool = poolWith();
    await pool.start();
    const { slots, busy, children, types } = pool.stats();
    expect({ slots, busy, children: children.length }).to.deep.equal({ slots: 1, busy: 0, children: 1 });
    expect(types).to.include.members(['basic.add', 'test.wait']);
  });

  it('replaces a child after so many tasks', async () => {
    const pool = poolWith({ recycleAfterTasks: 2 });
    await pool.start();
    const first = await pidOf(pool);
    expect(await pidOf(pool)).to.equal(first);
    await until('another child to take the tasks', async () => (await pidOf(pool)) !== first);
    await until('the first to be gone', () => pool.stats().children.every(child => child.pid !== first));
  });

  it('replaces a child that is too large when a task ends, under which it is not killed', async () => {
    const pool = poolWith({ recycleAboveMiB: 350, memoryMiB: 1_024 });
    await pool.start();
    const first = await pidOf(pool);
    expect(await pool.run(jobOf('rough.leak', [16]), heard())).to.include({ kind: 'completed' });
    expect(await pidOf(pool), 'one that grew a little').to.equal(first);
    expect(await pool.run(jobOf('rough.leak', [350]), heard())).to.include({ kind: 'completed' });
    await until('another child to take the tasks', async () => (await pidOf(pool)) !== first);
    await until('the first to be gone', () => pool.stats().children.every(child => child.pid !== first));
  });

  it('replaces an idle child that dies', async () => {
    const pool = poolWith();
    await pool.start();
    const { pid } = pool.stats().children[0]!;
    process.kill(pid, 'SIGKILL');
    await until('another child', () => pool.stats().children.some(child => child.pid !== pid));
    expect(await pidOf(pool)).to.not.equal(pid);
  });

  it('cancels what runs, and what waits for a child, when it kills all, and fills itself again', async () => {
    const file = folder.file('lost');
    const pool = poolWith();
    await pool.start();
    const [child] = pool.stats().children;
    const running = pool.run(jobOf('rough.busyLoop', [{ file }]), heard());
    const waiting = pool.run(jobOf('basic.add', [1, 1]), heard());
    await until('the loop to have begun', () => linesOf(file).length > 0);
    await pool.killAll();
    expect(isGone(child!.pid, child!.startTicks)).to.equal(true);
    expect(await running).to.deep.include({ kind: 'canceled', reason: 'worker-lost' });
    expect(await waiting).to.deep.include({ kind: 'canceled', reason: 'worker-lost' });
    expect(await pidOf(pool)).to.not.equal(child!.pid);
  });

  it('lets a child die by its deadline in a busy loop, starts none past it, and recovers with a later one', async () => {
    const file = folder.file('deadline');
    const pool = poolWith();
    const now = (): number => Number(process.hrtime.bigint()) / 1e6;
    pool.extendDeadline(now() + MINUTE);
    await pool.start();
    const running = pool.run(jobOf('rough.busyLoop', [{ file }]), heard());
    await until('the loop to have begun', () => linesOf(file).length > 0);
    pool.extendDeadline(now() + 300);
    expect(await running).to.deep.include({ kind: 'canceled', reason: 'worker-lost' });
    expect(await pool.run(jobOf('basic.add', [1, 1]), heard())).to.deep.equal({ kind: 'canceled', reason: 'worker-lost' });
    expect(pool.stats().children).to.have.length(0);
    pool.extendDeadline(now() + MINUTE);
    expect(await pidOf(pool)).to.be.a('number');
  });

  it('ends as asked: stop cancels what runs, and may be called twice, or before start', async () => {
    const unstarted = poolWith();
    await unstarted.stop();
    const pool = poolWith();
    await pool.start();
    const events = heard();
    const running = pool.run(jobOf('test.wait', [], { kwargs: { ms: 10 * MINUTE } }), events);
    await until('the body to have begun', () => events.reports.length > 0);
    await Promise.all([pool.stop(), pool.stop()]);
    expect(await running).to.deep.include({ kind: 'canceled', reason: 'worker-shutdown' });
    expect(pool.stats().children).to.have.length(0);
  });
}
