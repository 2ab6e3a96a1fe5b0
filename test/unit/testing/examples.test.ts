import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

describe('docs/testing.md', () => {
  it('has tests that pass as they stand, by a runner of their own, without servers', function () {
    this.timeout(60_000);
    const args = ['--import', 'tsx', '--test', '--test-reporter=tap', 'docs/examples/mirror.test.ts'];
    // Node would take itself for a part of the runner that runs this.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
    expect(status, stdout).to.equal(0);
    expect(stdout).to.match(/^# pass 5$/m);
  });
});
