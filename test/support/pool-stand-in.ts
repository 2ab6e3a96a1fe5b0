// A supervisor to be killed or stopped: node --import tsx pool-stand-in.ts <kind> <root> <file>. Runs a busy loop in each child, extends their
// deadline by 1.5 s at a time, and tells who they are once each has begun.
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
for (const own of files) void pool.run(jobOf('rough.busyLoop', [{ file: own }]), heard());
await until('the children to have begun', () => files.every(own => linesOf(own).length > 0));
process.stdout.write(`${JSON.stringify(pool.stats().children.map(({ pid, startTicks }) => ({ pid, startTicks })))}\n`);
