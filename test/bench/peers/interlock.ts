import { readFileSync } from 'node:fs';

import type { Pool } from '../options.js';
import type { Context } from '../scenario.js';
import { Stage } from '../stage.js';
import type { SubmitBody } from '../submitter.js';
import type { Load, Peer, Timing } from './peer.js';

const PACKAGE = new URL('../../../package.json', import.meta.url);
const VERSION = (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version;

/** Interlock itself, by its real roles: one worker with as many slots, tasks by HTTP in batches of 1,000, of a type that may run again. */
export function interlock(context: Context, pool: Pool): Peer {
  return {
    name: `Interlock, ${pool}`,
    key: pool,
    share: 1,
    own: true,
    setUp: () =>
      Promise.resolve({
        versions: { interlock: VERSION },
        settings: { onWorkerLoss: 'requeue' },
        measure: load => measure(context, pool, load),
      }),
  };
}

/** With all its roles started for this run: they would take from the peers while they do nothing. */
async function measure(context: Context, pool: Pool, load: Load): Promise<Timing> {
  const stage = await Stage.open(context);
  try {
    const { submitter, records } = stage;
    await submitter.submitMany(bodies(load.warmUp, { name: 'bench.nothing' }));
    await submitter.submitMany(bodies(load.slots, { name: 'bench.pause', kwargs: { ms: load.holdMs } }));
    const above = await records.lastNumber();
    const begun = performance.now();
    await submitter.submitMany(bodies(load.tasks, { name: 'bench.nothing' }));
    const enqueueSeconds = (performance.now() - begun) / 1_000;
    await stage.hintsSent();
    const worker = stage.startWorker(pool, load.slots);
    await records.begun(above);
    const tasks = await records.completed(above, load.tasks);
    await stage.stop(worker);
    const from = tasks.reduce((first, task) => Math.min(first, task.startedAt), Infinity);
    const to = tasks.reduce((last, task) => Math.max(last, task.finishedAt), 0);
    return { enqueueSeconds, runSeconds: (to - from) / 1_000 };
  } finally {
    await stage.close();
  }
}

function bodies(count: number, body: SubmitBody): SubmitBody[] {
  return Array.from({ length: count }, () => body);
}
