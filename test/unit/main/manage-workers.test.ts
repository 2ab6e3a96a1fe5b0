import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { startWorkers, stopWorkers } from '../../../src/main/systemd/manage-workers.js';
import type { Ended } from '../../../src/main/systemd/systemctl.js';

/** A systemd in which units start and stop at once. */
class Units {
  readonly calls: string[] = [];
  readonly running = new Set<string>();
  /** Does not start. */
  broken: string | undefined;

  readonly systemctl = (...words: string[]): Promise<Ended> => {
    const [verb = '', ...units] = words;
    if (verb !== 'list-units') this.calls.push(words.join(' '));
    const ended = { code: 0, stdout: '', stderr: '' };
    if (verb === 'start' && units[0] === this.broken) return Promise.resolve({ ...ended, code: 5, stderr: 'Job failed.\n' });
    if (verb === 'start') this.running.add(units[0] ?? '');
    if (verb === 'stop') for (const unit of units) this.running.delete(unit);
    if (verb === 'list-units') ended.stdout = [...this.running].map(unit => `${unit} loaded active running Interlock\n`).join('');
    return Promise.resolve(ended);
  };
}

describe('manage-workers', () => {
  let unitDirectory: string;
  let units: Units;
  let said: string[];
  const managing = (count: number): Parameters<typeof startWorkers>[0] => ({
    count,
    systemctl: units.systemctl,
    unitDirectory,
    say: line => said.push(line),
  });
  const worker = (n: number): string => `interlock-worker@${n}.service`;

  beforeEach(() => {
    unitDirectory = mkdtempSync(join(tmpdir(), 'interlock-units-'));
    units = new Units();
    said = [];
  });
  afterEach(() => rmSync(unitDirectory, { recursive: true, force: true }));

  it('starts one by one, and says so', async () => {
    expect(await startWorkers(managing(3))).to.equal(0);
    expect(units.calls).to.deep.equal(['daemon-reload', ...[1, 2, 3].map(n => `start ${worker(n)}`)]);
    expect(said.at(-1)).to.equal('3 workers are running');
  });

  it('touches nothing where all is as it should be', async () => {
    await startWorkers(managing(2));
    units.calls.length = 0;
    expect(await startWorkers(managing(2))).to.equal(0);
    expect(units.calls).to.deep.equal([]);
  });

  it('starts what is missing and stops what is too many, and nothing else', async () => {
    await startWorkers(managing(3));
    units.running.delete(worker(1));
    units.calls.length = 0;
    expect(await startWorkers(managing(2))).to.equal(0);
    expect(units.calls).to.deep.equal(['daemon-reload', `stop ${worker(3)}`, `start ${worker(1)}`]);
    const file = join(unitDirectory, 'interlock-workers.service.d/50-workers.conf');
    expect(readFileSync(file, 'utf8')).to.include(worker(2)).and.not.include(worker(3));
  });

  it('ends with the code of the first that does not start, and names it', async () => {
    units.broken = worker(2);
    expect(await startWorkers(managing(3))).to.equal(5);
    expect([...units.running]).to.deep.equal([worker(1)]);
    expect(said.at(-1)).to.match(/interlock-worker@2.service did not start: Job failed. \(journalctl/);
  });

  it('stops all that there are, in one step, whatever their number', async () => {
    await startWorkers(managing(3));
    units.calls.length = 0;
    expect(await stopWorkers(managing(1))).to.equal(0);
    expect(units.calls[0]).to.equal(`stop ${[1, 2, 3].map(worker).join(' ')}`);
    expect(said.at(-1)).to.equal('3 workers are stopped');
  });
});
