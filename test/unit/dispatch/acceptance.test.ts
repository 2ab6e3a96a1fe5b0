import { expect } from 'chai';

import type { InterlockError } from '../../../src/core/errors.js';
import { MAINTENANCE_AGE_MS, type Maintenance } from '../../../src/core/maintenance.js';
import { Acceptance } from '../../../src/dispatch/acceptance.js';

describe('Acceptance', () => {
  let nowMs: number;
  let reads: number;
  let read: () => Promise<Maintenance | undefined>;
  let acceptance: Acceptance;
  beforeEach(() => {
    [nowMs, reads] = [0, 0];
    read = () => Promise.resolve(undefined);
    const clock = { monotonicMs: () => nowMs, wall: () => new Date(nowMs) };
    const counted = (): Promise<Maintenance | undefined> => {
      reads++;
      return read();
    };
    acceptance = new Acceptance({ maintenance: { read: counted }, clock });
  });
  const codeOf = async (): Promise<string> =>
    acceptance.require().then(
      () => 'open',
      (error: unknown) => (error as InterlockError).code,
    );

  it('asks once a second, counted from the question, however many submit', async () => {
    await Promise.all(Array.from({ length: 50 }, () => acceptance.require()));
    nowMs = MAINTENANCE_AGE_MS - 1;
    await acceptance.require();
    expect(reads).to.equal(1);
    read = () => Promise.resolve({ since: new Date(0), by: 'anna' });
    nowMs = MAINTENANCE_AGE_MS;
    expect([await codeOf(), reads]).to.deep.equal(['MAINTENANCE', 2]);
  });

  it('does not share an answer that was asked for too long ago', async () => {
    let answer: (value: undefined) => void = () => undefined;
    read = () => new Promise(resolve => (answer = resolve));
    const slow = acceptance.maintenance();
    nowMs = MAINTENANCE_AGE_MS;
    read = () => Promise.resolve({ since: new Date(0), by: 'anna', reason: 'disks' });
    expect(await codeOf()).to.equal('MAINTENANCE');
    answer(undefined);
    expect(await slow).to.equal(undefined);
    expect(await codeOf(), 'the younger answer stays').to.equal('MAINTENANCE');
  });

  it('asks anew after a failure, and when somebody changed it here', async () => {
    read = () => Promise.reject(new Error('away'));
    expect(await acceptance.maintenance().catch(() => 'failed')).to.equal('failed');
    read = () => Promise.resolve(undefined);
    expect(await codeOf()).to.equal('open');
    acceptance.forget();
    await acceptance.require();
    expect(reads).to.equal(3);
  });
});
