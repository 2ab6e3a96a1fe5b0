import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { run } from './run.js';
import { draw } from './scenario.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Verdict {
  seeds: number;
  steps: number;
  violations: { seed: number | string; rule: string; evidence: string }[];
}

async function simulate(...args: string[]): Promise<{ code: number | null; verdict: Verdict }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/simulation/simulate.ts', '--json', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  return { code, verdict: JSON.parse(output) as Verdict };
}

describe('the protocol on simulated time', function () {
  this.timeout(600_000);

  it('goes the same way whenever the same seed is run', async () => {
    const traceOf = async (seed: number): Promise<string[]> => {
      const lines: string[] = [];
      await run(draw(seed), line => lines.push(line));
      return lines;
    };
    const [first, second] = [await traceOf(7), await traceOf(7)];
    expect(first.length).to.be.above(100);
    expect(second).to.deep.equal(first);
    expect(await traceOf(8)).not.to.deep.equal(first);
  });

  it('breaks no rule in 2,000 seeds of at least 300 steps', async () => {
    const { code, verdict } = await simulate('--seeds', '2000');
    expect(verdict.violations).to.deep.equal([]);
    expect(verdict.seeds).to.equal(2_000);
    expect(verdict.steps).to.be.above(2_000 * 300);
    expect(code).to.equal(0);
  });

  it('breaks no rule wherever a process is killed, paused or refused: the step matrix', async () => {
    const { code, verdict } = await simulate('--matrix');
    expect(verdict.violations).to.deep.equal([]);
    expect(verdict.seeds).to.be.above(500);
    expect(code).to.equal(0);
  });
});
