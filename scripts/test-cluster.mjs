// npm run test:cluster [-- --only NAME]: real servers of several members, broken one member at a time, on servers of their own.
// Without --only all but `backlog`, which takes up to an hour. Ends with `N passed, N failed`, as `npm test` does.
import { parseArgs } from 'node:util';

const TESTS = { rabbit: true, mongo: true, leaders: true, backlog: false };

function chosen() {
  try {
    const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
    if (only === undefined) return Object.keys(TESTS).filter(name => TESTS[name]);
    return only in TESTS ? [only] : [];
  } catch {
    return [];
  }
}

const names = chosen();
if (names.length === 0) {
  process.stderr.write(`usage: npm run test:cluster [-- --only ${Object.keys(TESTS).join('|')}]\n`);
  process.exitCode = 2;
} else {
  process.argv.splice(2, Infinity, ...names.map(name => `test/cluster/${name}.test.ts`));
  await import('./test.mjs');
}
