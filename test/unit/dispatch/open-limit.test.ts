import { expect } from 'chai';

import { OpenTasks } from '../../../src/dispatch/open-limit.js';
import { silentLog } from '../../../src/process/log.js';

describe('The bound of open tasks', () => {
  let now: number;
  let open: number;
  let counted: number;
  let tookMs: number;
  let away: boolean;
  let refused: number;
  beforeEach(() => {
    [now, open, counted, tookMs, away, refused] = [0, 0, 0, 0, false, 0];
  });

  const bound = (limit: number): OpenTasks => {
    const count = (_filter: object, cap: number): Promise<number> => {
      counted += 1;
      now += tookMs;
      return away ? Promise.reject(new Error('away')) : Promise.resolve(Math.min(open, cap));
    };
    const clock = { monotonicMs: () => now, wall: () => new Date(now) };
    return new OpenTasks({ tasks: { count }, clock, log: silentLog, limit, refused: () => (refused += 1) });
  };
  const taken = async (openTasks: OpenTasks, more = 1): Promise<boolean> =>
    openTasks.require(more).then(
      () => true,
      (error: unknown) => {
        expect(error).to.have.property('code', 'OVERLOADED');
        return false;
      },
    );

  it('counts once in 30 s while less than half of it is open, and once a second above that', async () => {
    const tasks = bound(100);
    open = 10;
    for (; now < 30_000; now += 1_000) expect(await taken(tasks)).to.equal(true);
    expect(counted).to.equal(1);
    open = 60;
    for (; now < 40_000; now += 500) await taken(tasks);
    expect(counted).to.equal(11);
  });

  it('adds what was accepted here, and counts again before it would refuse by an old count', async () => {
    const tasks = bound(10);
    for (let n = 0; n < 10; n += 1) expect(await taken(tasks)).to.equal(true);
    expect(await taken(tasks)).to.equal(false);
    expect(await taken(tasks, 5)).to.equal(false);
    expect(refused).to.equal(2);
    open = 4;
    now += 1_000;
    expect([await taken(tasks, 7), await taken(tasks, 6), await taken(tasks)]).to.deep.equal([false, true, false]);
    expect(counted).to.equal(2);
  });

  it('counts for a tenth of the time at most', async () => {
    const tasks = bound(10);
    [open, tookMs] = [9, 1_000];
    for (; now < 100_000; now += 100) await taken(tasks);
    expect(counted).to.be.within(8, 10);
  });

  it('goes by the last count while the database does not answer, whose refusal is that of the insert', async () => {
    const tasks = bound(10);
    open = 8;
    await taken(tasks);
    away = true;
    now += 1_000;
    expect([await taken(tasks), await taken(tasks)]).to.deep.equal([true, false]);
  });

  it('asks nobody where there is none', async () => {
    expect(await taken(bound(0), 1_000_000)).to.equal(true);
    expect(counted).to.equal(0);
  });
});
