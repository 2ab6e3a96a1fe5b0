// A supervisor to be killed or stopped: node --import tsx pool-stand-in.ts <kind> <root> <file>. Runs a busy loop in each child, extends their
// deadline by 1.5 s at a time, and tells who they are, and what each has started, once all have begun.
import { startTicksOf } from '../../src/process/identity.js';
import { createPool, type PoolKind } from '../contract/pool/pool-under-test.js';
import { heard, jobOf, linesOf, poolOptions } from './pool.js';
import { until } from './wait.js';

const [kind = '', root = '', file = ''] = process.argv.slice(2);
const files = kind === 'prefork' ? [`${file}.0`, `${file}.1`] : [`${file}.0`];
const pool = createPool(kind as PoolKind, poolOptions(root, { slots: files.length }));
const extend = (): void => pool.extendDeadline(Number(process.hrtime.bigint()) / 1e6 + 1_500);

await pool.start();
extend();
setInterval(extend, 200);
for (const own of files) void pool.run(jobOf('rough.busyParent', [{ file: own }]), heard());
const begun = files.flatMap(own => [own, `${own}.grandchild`]);
await until('the children to have begun', () => begun.every(own => linesOf(own).length > 0));
const children = pool.stats().children.map(({ pid, startTicks }) => ({ pid, startTicks }));
const grandchildren = files.map(own => {
  const pid = Number(linesOf(`${own}.grandchild`)[0]?.split(' ')[1]);
  return { pid, startTicks: startTicksOf(pid) };
});
process.stdout.write(`${JSON.stringify({ children, grandchildren })}\n`);
