// A supervisor to be killed or stopped: node --import tsx pool-stand-in.ts <root> <file>. Runs busy loops, extends their deadline
// by 1.5 s at a time, and says `running` once each of its children has begun.
import { createPreforkPool } from '../../src/worker/prefork/prefork.js';
import { heard, jobOf, linesOf, poolOptions } from './pool.js';
import { until } from './wait.js';

const [root = '', file = ''] = process.argv.slice(2);
const pool = createPreforkPool(poolOptions(root, { slots: 2 }));
const extend = (): void => pool.extendDeadline(Number(process.hrtime.bigint()) / 1e6 + 1_500);

await pool.start();
extend();
setInterval(extend, 200);
const files = [`${file}.0`, `${file}.1`];
for (const own of files) void pool.run(jobOf('rough.busyLoop', [{ file: own }]), heard());
await until('both children to have begun', () => files.every(own => linesOf(own).length > 0));
process.stdout.write(`${JSON.stringify(pool.stats().children.map(({ pid, startTicks }) => ({ pid, startTicks })))}\n`);
