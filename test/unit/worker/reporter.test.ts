import { expect } from 'chai';

import type { ProgressReport } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { Reporter } from '../../../src/worker/reporter.js';
import { settled } from '../../support/virtual-time.js';

const at = (done: number): ProgressReport[] => [{ code: 'c', message: 'c', done, total: null, suffix: null, state: 'running' }];

/** A store that answers when it is told to, well or not. */
function setUp() {
  const written: number[] = [];
  const answers: { well: (mine: boolean) => void; badly: (error: Error) => void }[] = [];
  const warned: string[] = [];
  const report = (_id: string, _token: string, { progress }: { progress: ProgressReport[] }): Promise<boolean> => {
    written.push(progress[0]!.done);
    return new Promise((resolve, reject) => answers.push({ well: resolve, badly: reject }));
  };
  const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
  const reporter = new Reporter({ report }, { id: 'a', token: 't' }, { log, told: () => undefined });
  return { reporter, written, answers, warned };
}

describe('the reporter of a start', () => {
  it('writes one report at a time, and then the latest', async () => {
    const { reporter, written, answers } = setUp();
    for (const n of [1, 2, 3]) reporter.report(at(n), []);
    expect(written).to.deep.equal([1]);
    answers[0]!.well(true);
    await settled();
    expect(written).to.deep.equal([1, 3]);
  });

  it('has told everything when it is flushed', async () => {
    const { reporter, written, answers } = setUp();
    await reporter.flush();
    reporter.report(at(1), []);
    reporter.report(at(2), []);
    let flushed = false;
    const flushing = reporter.flush().then(() => (flushed = true));
    answers[0]!.well(true);
    await settled();
    expect(flushed, 'one is under way').to.equal(false);
    answers[1]!.well(true);
    await flushing;
    expect(written).to.deep.equal([1, 2]);
  });

  it('goes on after a report that could not be stored', async () => {
    const { reporter, written, answers, warned } = setUp();
    reporter.report(at(1), []);
    answers[0]!.badly(new Error('away'));
    await reporter.flush();
    reporter.report(at(2), []);
    answers[1]!.well(true);
    await reporter.flush();
    expect(written).to.deep.equal([1, 2]);
    expect(warned).to.have.length(1);
  });
});
