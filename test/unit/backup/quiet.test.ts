import { expect } from 'chai';

import { refuseNewcomers, untilQuiet, type QuietDeps } from '../../../src/backup/quiet.js';
import type { ProcessRecord } from '../../../src/core/process.js';

describe('whether anybody lives before a restore', () => {
  const record = (change: Partial<ProcessRecord> = {}): ProcessRecord =>
    ({ name: 'w1', role: 'worker', incarnation: 'i', beat: 5, state: 'live', host: 'h', pid: 7, ...change }) as ProcessRecord;

  /** What the list holds at each time that it is asked for; the last answer stays. */
  function deps(...answers: ProcessRecord[][]): QuietDeps & { sleptMs: () => number; notes: string[] } {
    let now = 0;
    let asked = 0;
    const notes: string[] = [];
    return {
      processes: { list: () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)] ?? []) },
      timing: { heartbeatMs: 5_000, watchMs: 22_000, ttlMs: 25_000 },
      runtime: {
        clock: { monotonicMs: () => now, wall: () => new Date(0) },
        timers: { sleep: ms => Promise.resolve(void (now += ms)) },
      },
      note: line => void notes.push(line),
      signal: new AbortController().signal,
      sleptMs: () => now,
      notes,
    };
  }
  const failure = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'nobody',
      (error: unknown) => (error as Error).message,
    );

  it('nobody does who said goodbye, or was missed: no time is lost', async () => {
    const given = deps([record({ state: 'stopped' }), record({ state: 'missing' })]);
    await untilQuiet(given);
    expect(given.sleptMs()).to.equal(0);
    expect(given.notes).to.deep.equal([]);
  });

  it('whoever did not say goodbye is watched for longer than its lease lasts', async () => {
    const given = deps([record()]);
    const dead = await untilQuiet(given);
    expect(given.sleptMs()).to.be.at.least(26_000);
    expect(given.notes[0]).to.match(/w1 \(worker, host h, pid 7\) did not say goodbye/);
    await refuseNewcomers(given, dead);
  });

  it('whoever says goodbye meanwhile is waited for no longer', async () => {
    const given = deps([record()], [record()], [record({ state: 'stopped' })]);
    await untilQuiet(given);
    expect(given.sleptMs()).to.be.lessThan(3_000);
  });

  it('a heart that beats is named at once', async () => {
    expect(await failure(untilQuiet(deps([record()], [record({ beat: 6 })])))).to.match(/Roles of this deployment live: w1/);
  });

  it('whoever comes while others are watched, or afterwards, is named too', async () => {
    expect(await failure(untilQuiet(deps([record()], [record(), record({ name: 'new', incarnation: 'j' })])))).to.match(
      /live: new/,
    );
    expect(await failure(refuseNewcomers(deps([record()]), new Set()))).to.match(/live: w1/);
  });
});
