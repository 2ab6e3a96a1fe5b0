// npm run test:systemd [-- units|machine|install...]: all roles as units of a real systemd, in a small Debian that is booted as a container. Needs root, and two Debian packages,
// which it installs where they are missing. Ends with `N passed, N failed`, as `npm test` does.
import { spawnSync } from 'node:child_process';

const NEEDED = { debootstrap: 'debootstrap', 'systemd-nspawn': 'systemd-container', 'systemd-analyze': 'systemd' };
const has = program => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

const TESTS = ['units', 'machine', 'install'];
const names = process.argv.length > 2 ? process.argv.slice(2) : TESTS;
const unknown = names.find(name => !TESTS.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`error: "${unknown}" is none of ${TESTS.join(', ')}\n`);
  process.exit(2);
}
if (process.getuid() !== 0) {
  process.stderr.write('npm run test:systemd boots a container, for which it has to be root.\n');
  process.exit(1);
}
const missing = Object.keys(NEEDED).filter(program => !has(program));
if (missing.length > 0) {
  const packages = missing.map(program => NEEDED[program]);
  process.stderr.write(`installing ${packages.join(', ')} from Debian ...\n`);
  const apt = words =>
    spawnSync('apt-get', words, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  if (apt(['update', '-q']).status !== 0 || apt(['install', '-q', '-y', '--no-install-recommends', ...packages]).status !== 0) {
    process.stderr.write(`Could not install ${packages.join(', ')}: install them, then run this again.\n`);
    process.exit(1);
  }
}
process.argv.splice(2, Infinity, ...names.map(name => `test/systemd/${name}.test.ts`));
await import('./test.mjs');
