import { cpus, totalmem } from 'node:os';

import { testServers } from '../support/servers.js';
import { backlog } from './backlog.js';

/** `npm run bench -- SCENARIO [--json]`: one run against private servers; ratios within the run are what counts. */
const SCENARIOS = { backlog: () => backlog(testServers().mongoUrl, [1_000, 20_000]) };

const [scenario = '', ...flags] = process.argv.slice(2);
if (!(scenario in SCENARIOS)) {
  process.stderr.write(`Usage: npm run bench -- ${Object.keys(SCENARIOS).join('|')} [--json]\n`);
  process.exit(2);
}
const results = await SCENARIOS[scenario as keyof typeof SCENARIOS]();
const mongo = process.env.INTERLOCK_TEST_MONGO_KIND ?? 'unknown';
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
if (flags.includes('--json')) process.stdout.write(`${JSON.stringify({ scenario, machine, mongo, results })}\n`);
else {
  process.stdout.write(`${scenario} on ${machine}, MongoDB: ${mongo}\n`);
  for (const { waiting, grantsPerSecond, msPerGrant, rebuildMs } of results) {
    process.stdout.write(
      `${String(waiting).padStart(8)} waiting: ${msPerGrant.toFixed(2)} ms a grant, ${grantsPerSecond.toFixed(0)} grants/s, rebuilt in ${rebuildMs.toFixed(0)} ms\n`,
    );
  }
}
