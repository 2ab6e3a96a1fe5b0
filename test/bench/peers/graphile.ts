import { NodePeer } from './node-peer.js';
import { demand, type Peer } from './peer.js';
import { startPostgres } from './postgres-server.js';

/** What its page on performance advises for many short jobs: jobs are fetched, and reported as done, many at a time. */
const BATCHED = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

/** One process on a PostgreSQL that answers each commit when it is on disk. */
function graphile(name: string, tuning: Record<string, unknown>): Peer {
  return {
    name,
    key: 'graphile',
    share: 1,
    async setUp(site) {
      const peer = await NodePeer.install(site, 'graphile', { connectionString: await startPostgres(site) });
      const { versions, settings } = await peer.about();
      demand(settings, { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' });
      return {
        versions,
        settings: { ...settings, ...(Object.keys(tuning).length > 0 && { tuning: JSON.stringify(tuning) }) },
        measure: load => peer.measure(load, '', { tuning }),
      };
    },
  };
}

export const graphileWorker = graphile('graphile-worker', {});
export const graphileBatched = graphile('graphile-worker, batched', BATCHED);
