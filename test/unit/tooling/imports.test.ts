import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Puts one bad file into the tree and asks the cruiser about it alone. */
function cruise(file: string, source: string): string {
  const path = `${ROOT}${file}`;
  writeFileSync(path, source, { flag: 'wx' });
  try {
    const run = spawnSync('npx', ['depcruise', '--config', 'config/tooling/dependency-cruiser.cjs', file], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return run.status === 0 ? 'no violation' : run.stdout;
  } finally {
    rmSync(path);
  }
}

describe('the import rules', function () {
  this.timeout(60_000);
  const planted: [string, string, string, string][] = [
    ['core-is-pure', 'the rules reach for the file system', 'src/core/planted.ts', "import 'node:fs';"],
    ['roles-are-siblings', 'a role imports another', 'src/beat/planted.ts', "import '../worker/pool.js';"],
    ['mongodb-has-one-home', 'a role imports a driver', 'src/worker/planted.ts', "import 'mongodb';"],
    ['audit-sees-records-only', 'the audit imports what it judges', 'src/audit/planted.ts', "import '../beat/watch.js';"],
    ['nobody-runs-in-a-lab', 'a role imports what is for tests', 'src/worker/planted.ts', "import '../testing/testing.js';"],
    ['backup-sees-ports-only', 'a backup reaches for the driver', 'src/backup/planted.ts', "import '../store/mongo/store.js';"],
    ['no-role-backs-up', 'a role takes a backup', 'src/beat/planted.ts', "import '../backup/backup.js';"],
    ['main-is-the-top', 'somebody below imports the composition', 'src/dispatch/planted.ts', "import '../main/compose.js';"],
  ];
  for (const [rule, what, file, source] of planted) {
    it(`report it when ${what}`, () => {
      expect(cruise(file, source)).to.contain(rule);
    });
  }
});
