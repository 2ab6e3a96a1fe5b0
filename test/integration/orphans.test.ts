import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { isGone, statOf } from '../../src/process/identity.js';
import { killLeftovers, leftoversOf } from '../../src/worker/children/children-ledger.js';
import { createPool } from '../contract/pool/pool-under-test.js';
import { poolFolder, poolOptions } from '../support/pool.js';
import { until } from '../support/wait.js';

const STAND_IN = fileURLToPath(new URL('../support/pool-stand-in.ts', import.meta.url));

interface Child {
  pid: number;
  startTicks: number;
}

interface Family {
  children: Child[];
  grandchildren: Child[];
}

for (const { kind, count } of [
  { kind: 'prefork', count: 2 },
  { kind: 'async', count: 1 },
] as const) {
  describe(`Children of a supervisor that fails (${kind})`, function () {
    this.timeout(120_000);
    const folder = poolFolder();
    const directory = poolOptions(folder.root).workerDirectory;
    const started: ChildProcess[] = [];
    const strays: Child[] = [];

    /** Another process whose children are in busy loops that ignore SIGTERM, each beside a grandchild in a session of its own. */
    async function supervisor(name: string): Promise<Family & { process: ChildProcess }> {
      const child = spawn(process.execPath, ['--import', 'tsx', STAND_IN, kind, folder.root, folder.file(name)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      started.push(child);
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      const family = JSON.parse(line) as Family;
      strays.push(...family.grandchildren);
      return { process: child, ...family };
    }

    const allGone = (children: Child[]): boolean => children.every(({ pid, startTicks }) => isGone(pid, startTicks));

    afterEach(async () => {
      for (const child of started.splice(0)) {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
      await killLeftovers(directory);
      for (const { pid, startTicks } of strays.splice(0)) if (!isGone(pid, startTicks)) process.kill(pid, 'SIGKILL');
    });
    after(() => folder.remove());

    it('die with it when it is killed, though each is in a busy loop', async () => {
      const { process: parent, children, grandchildren } = await supervisor('killed');
      expect(children).to.have.length(count);
      expect(allGone(children)).to.equal(false);
      expect(allGone(grandchildren)).to.equal(false);
      parent.kill('SIGKILL');
      await until('the children to be gone', () => allGone(children));
      expect(allGone(grandchildren), 'what they had started').to.equal(true);
    });

    it('die by their deadline when it is stopped', async () => {
      const { process: parent, children, grandchildren } = await supervisor('stopped');
      parent.kill('SIGSTOP');
      await until('the children to be gone', () => allGone(children));
      expect(allGone(grandchildren), 'what they had started').to.equal(true);
      expect(parent.exitCode).to.equal(null);
    });

    it('live on while it extends their deadline', async () => {
      const { children } = await supervisor('extending');
      const since = process.hrtime.bigint();
      await until('three deadlines to have passed', () => process.hrtime.bigint() - since > 4_500_000_000n);
      expect(allGone(children)).to.equal(false);
    });

    it('are found by their ledger and killed when they are frozen and cannot die by themselves', async () => {
      const { process: parent, children, grandchildren } = await supervisor('frozen');
      for (const { pid } of children) process.kill(pid, 'SIGSTOP');
      // A signal takes a moment on a busy machine, and a child that still runs ends by itself as soon as its supervisor is gone.
      await until('they are frozen', () => children.every(({ pid }) => statOf(pid)?.state === 'T'));
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      expect(leftoversOf(directory)).to.have.length(count);
      const next = createPool(kind, poolOptions(folder.root));
      const refusal = await next.start().catch((thrown: unknown) => thrown);
      expect(refusal).to.be.an('error').with.property('message').that.contains('is alive');
      await killLeftovers(directory);
      expect(allGone([...children, ...grandchildren])).to.equal(true);
      await next.stop();
    });
  });
}
