// npm run test:faults [-- F04 F31 …]: runs all of test/faults and every other test file that docs/faults.md names, or those of the faults given, on
// servers of its own.
// Ends with `N passed, N failed`, as `npm test` does.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root } from './prepare.mjs';

const asked = process.argv.slice(2);
const rows = readFileSync(join(root, 'docs/faults.md'), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| '))
  .filter(line => asked.length === 0 || asked.includes(line.split('|')[1].trim()));
const named = rows.flatMap(row =>
  [...row.matchAll(/`([\w-]+(?:\/[\w.-]+)+)` \*/g)].flatMap(([, name]) => filesOf(`test/${name}`)),
);
const own = readdirSync(join(root, 'test/faults')).filter(file => file.endsWith('.test.ts'));
const files = [...new Set([...(asked.length === 0 ? own.map(file => `test/faults/${file}`) : []), ...named])];
if (files.length === 0) {
  process.stderr.write(
    'usage: npm run test:faults [-- FAULT...], where a fault is a row of docs/faults.md that a test shows, for example F04\n',
  );
  process.exitCode = 2;
} else {
  process.argv.splice(2, Infinity, ...files);
  await import('./test.mjs');
}

/** The file of tests of this name, or those of its folder that share a contract of this name. */
function filesOf(name) {
  if (existsSync(join(root, `${name}.test.ts`))) return [`${name}.test.ts`];
  const folder = join(root, dirname(name));
  if (!existsSync(folder)) return [];
  const sharing = readdirSync(folder)
    .filter(file => file.endsWith('.ts'))
    .filter(file => readFileSync(join(folder, file), 'utf8').includes(`'./${basename(name)}.js'`));
  return sharing.flatMap(file => filesOf(`${dirname(name)}/${file.replace(/(\.test)?\.ts$/, '')}`));
}
