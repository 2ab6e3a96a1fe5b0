import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const PLANTED = [
  ['core-is-pure', 'the rules reach for the file system', 'core', "import 'node:fs';"],
  ['roles-are-siblings', 'a role imports another', 'beat', "import '../worker/pool.js';"],
  ['mongodb-has-one-home', 'a role imports a driver', 'worker', "import 'mongodb';"],
  ['audit-sees-records-only', 'the audit imports what it judges', 'audit', "import '../beat/watch.js';"],
  ['nobody-runs-in-a-lab', 'a role imports what is for tests', 'worker', "import '../testing/testing.js';"],
  ['backup-sees-ports-only', 'a backup reaches for the driver', 'backup', "import '../store/mongo/store.js';"],
  ['no-role-backs-up', 'a role takes a backup', 'beat', "import '../backup/backup.js';"],
  ['main-is-the-top', 'somebody below imports the composition', 'dispatch', "import '../main/compose.js';"],
].map(([rule = '', what = '', folder = '', source = '']) => ({ rule, what, source, file: `src/${folder}/planted-${rule}.ts` }));

/** What the cruiser says of bad files in a copy of the tree: others are building the tree itself. */
function cruise(): string {
  const copy = mkdtempSync(join(tmpdir(), 'interlock-imports-'));
  try {
    for (const name of ['src', 'config/tooling', 'package.json', 'tsconfig.json'])
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    for (const { file, source } of PLANTED) writeFileSync(join(copy, file), source);
    const cruiser = join(ROOT, 'node_modules/.bin/depcruise');
    const args = ['--config', 'config/tooling/dependency-cruiser.cjs', ...PLANTED.map(({ file }) => file)];
    return spawnSync(cruiser, args, { cwd: copy, encoding: 'utf8' }).stdout;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

describe('the import rules', function () {
  this.timeout(60_000);
  let said: string[];
  before(() => (said = cruise().split('\n')));

  for (const { rule, what, file } of PLANTED)
    it(`report it when ${what}`, () => {
      expect(said.filter(line => line.includes(`${rule}: `) && line.includes(file))).to.have.length.above(0);
    });
});
