import { NodePeer } from './node-peer.js';
import { demand, type Peer } from './peer.js';
import { scratchDatabase } from './scratch-database.js';

/** Its driver's pool has no more. */
const CONNECTIONS = 100;
/**
 * How far it locks ahead, and how often it looks. It locks one job after the other, and runs the first when it may lock no more: by its
 * defaults (no limit, every 5 s) when all are locked, which would fall before the time that is measured. Looks that come before the last
 * one has ended lock the same jobs, in conflict: at every 10 ms a busy machine did not get through 60 jobs in nine minutes.
 */
const TUNING = { lockLimit: 128, processEveryMs: 1_000 };

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
