// npm run test:node [-- VERSION... [STAGE...]]: `npm test` with other versions of Node than this machine's, fetched from npm into .interlock/node
// (some 50 MB each, once; nothing is installed). VERSION is one as npm takes it, `24` or `20.19.0`; without one the oldest that package.json allows and the
// newest of each later line. STAGE is one of `npm test`. Ends with `N passed, N failed` over all.
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { root } from './prepare.mjs';
import { runTests, stopped, sumUp } from './run-tests.mjs';

const VERSIONS = ['20.19.0', '22', '24', '26'];
const INSTALL_MS = 5 * 60_000;

const isVersion = word => /^\d+(\.\d+)*$/.test(word);
const words = process.argv.slice(2);
const versions = words.some(isVersion) ? words.filter(isVersion) : VERSIONS;
const stages = words.filter(word => !isVersion(word));

const runs = [];
for (const version of versions) if (!stopped) runs.push(await test(version));
sumUp(runs);

async function test(version) {
  const folder = fetched(version);
  if (folder === undefined)
    return { title: `Node ${version}`, passed: 0, failed: 1, about: ' (npm could not fetch it, see above)' };
  const node = join(folder, 'node');
  const title = `Node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`;
  process.stdout.write(`\n=== ${title}\n`);
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  return { title, ...(await runTests(stages, env, node)) };
}

/** The folder of its `node`; undefined where npm has said why not. */
function fetched(version) {
  const name = `node-${process.platform}-${process.arch}`;
  const to = join(root, '.interlock/node', version);
  const args = [
    'install',
    '--prefix',
    to,
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--ignore-scripts',
    `${name}@${version}`,
  ];
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 2, 2], timeout: INSTALL_MS });
  return status === 0 ? join(to, 'node_modules', name, 'bin') : undefined;
}
