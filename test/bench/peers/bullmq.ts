import { NodePeer } from './node-peer.js';
import { demand, type Peer } from './peer.js';
import { startRedis } from './redis-server.js';

/** One process of workers on a Redis that answers each write when it is on disk. It keeps all finished jobs, as it does unless told otherwise. */
export const bullmq: Peer = {
  name: 'BullMQ',
  key: 'bullmq',
  share: 1,
  async setUp(site) {
    const peer = await NodePeer.install(site, 'bullmq', { redis: await startRedis(site) });
    const { versions, settings } = await peer.about();
    demand(settings, { appendonly: 'yes', appendfsync: 'always' });
    let runs = 0;
    return {
      versions,
      settings,
      measure: load => peer.measure(load, `run-${(runs += 1)}`),
    };
  },
};
