import { NodePeer } from './node-peer.js';
import { demand, type Peer } from './peer.js';
import { scratchDatabase } from './scratch-database.js';

/** Its driver's pool has no more. */
const CONNECTIONS = 100;
/**
 * How far it locks ahead, and how often it looks: with its defaults (everything at once, every 5 s) it locks one job after the other
 * until none is left before it runs the first.
 */
const TUNING = { lockLimit: 64, processEveryMs: 10 };

/** One process on the MongoDB that Interlock uses, majority write concern. */
export const agenda: Peer = {
  name: 'Agenda',
  key: 'agenda',
  share: 0.2,
  async setUp(site) {
    const database = await scratchDatabase(site, 'agenda');
    const peer = await NodePeer.install(site, 'agenda', { mongoUrl: database.url, connections: CONNECTIONS, queue: 'about' });
    const { versions, settings } = await peer.about();
    demand(settings, { writes: 'insert w:majority', majorityIsJournaled: 'true' });
    let runs = 0;
    return {
      versions,
      settings: { ...settings, lockLimit: String(TUNING.lockLimit), processEvery: `${TUNING.processEveryMs} ms` },
      measure: load => peer.measure(load, `run-${(runs += 1)}`, TUNING),
    };
  },
};
