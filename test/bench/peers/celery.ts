import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { childrenIn, ranBy } from './celery-children.js';
import { DurableQueues } from './durable-queues.js';
import { pythonWithPackages } from './packages.js';
import { demand, type About, type Load, type Peer, type Timing } from './peer.js';
import { scratchDatabase, type ScratchDatabase } from './scratch-database.js';
import type { Site } from './site.js';
import type { Program } from './started.js';

const SCRIPTS = fileURLToPath(new URL('python', import.meta.url));
/** Messages that wait in the worker for each of its children; with its default of 4 they are fetched in smaller portions. */
const PREFETCH_MULTIPLIER = 16;

/** As many processes as slots, RabbitMQ between, results in the MongoDB that Interlock uses; acknowledged when the result is stored. */
export const celery: Peer = {
  name: 'Celery',
  key: 'celery',
  share: 1,
  async setUp(site) {
    const python = await pythonWithPackages(site);
    const { amqpUrl } = site.testServers;
    const database = await scratchDatabase(site, 'celery');
    const queues = await DurableQueues.connect(amqpUrl);
    site.atEnd(() => queues.close());
    const where = { amqpUrl, mongoUrl: database.url, prefetchMultiplier: PREFETCH_MULTIPLIER };
    const rig: CeleryRig = { site, python, database, where };
    let queue = queues.next();
    const { versions, settings } = await site.ask<About>(script(rig, 'about', { queue }));
    const read = { ...settings, ...(await queues.look(queue)) };
    demand(read, { results: 'update w:majority', queue: 'durable', messages: 'persistent' });
    return {
      versions,
      settings: { ...read, acknowledged: 'late', published: 'confirmed', prefetchMultiplier: String(PREFETCH_MULTIPLIER) },
      measure: load => {
        queue = queues.next();
        return measure(rig, load, queue);
      },
    };
  },
};

interface CeleryRig {
  site: Site;
  python: string;
  database: ScratchDatabase;
  where: Record<string, unknown>;
}

async function measure(rig: CeleryRig, load: Load, queue: string): Promise<Timing> {
  const folder = join(rig.site.folder(queue), 'children');
  mkdirSync(folder);
  const asked = { ...load, queue, folder };
  const { enqueueSeconds } = await rig.site.ask<{ enqueueSeconds: number }>(script(rig, 'enqueue', asked));
  const worker = rig.site.start(workerOf(rig, asked));
  try {
    await worker.until('Celery has run all tasks', () => (ranBy(childrenIn(folder)) >= load.tasks ? true : undefined));
  } finally {
    await worker.end();
  }
  const children = childrenIn(folder).filter(({ ran }) => ran > 0);
  const stored = await rig.database.db.collection(queue).countDocuments({ status: 'SUCCESS' });
  const [ran, all] = [ranBy(children), load.warmUp + load.slots + load.tasks];
  if (ran !== load.tasks || stored !== all)
    throw new Error(`${ran} of ${load.tasks} tasks were run, ${stored} of ${all} results stored`);
  const begun = Math.min(...children.map(({ first }) => first));
  return { enqueueSeconds, runSeconds: Math.max(...children.map(({ last }) => last)) - begun };
}

function script(rig: CeleryRig, command: string, asked: Record<string, unknown>): Program {
  return { name: `celery-${command}`, command: [rig.python, join(SCRIPTS, 'peer.py'), command], env: environment(rig, asked) };
}

/** What tells workers of one another is off: there is one. */
function workerOf(rig: CeleryRig, asked: Load & { queue: string }): Program {
  const quiet = ['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel=warning'];
  const worker = [
    '-A',
    'peer',
    'worker',
    '--pool=prefork',
    `--concurrency=${asked.slots}`,
    `--hostname=${asked.queue}@localhost`,
  ];
  return {
    name: 'celery-worker',
    command: [rig.python, '-m', 'celery', ...worker, ...quiet],
    env: environment(rig, { ...asked }),
  };
}

function environment({ where }: CeleryRig, asked: Record<string, unknown>): Record<string, string> {
  const PEER = JSON.stringify({ ...where, ...asked });
  return { PEER, PYTHONPATH: SCRIPTS, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' };
}
