import type { MongoClient } from 'mongodb';
import type { StoreLog } from './log.js';

/**
 * Tells why a member cannot be reached: whoever asks it learns no more than that nobody has answered in time, because a deadline passes before the driver gives up.
 * A reason is told at once, and again at the 2nd, 4th, 8th … time: an outage of an hour is 12 lines, not 1,000.
 */
export function tellOfReach(client: MongoClient, log: StoreLog): void {
  const failing = new Map<string, { cause: string; times: number }>();
  client.on('serverHeartbeatFailed', ({ connectionId: member, failure }) => {
    const former = failing.get(member);
    const now = { cause: failure.message, times: former?.cause === failure.message ? former.times + 1 : 1 };
    failing.set(member, now);
    if (Number.isInteger(Math.log2(now.times))) log.warn(`cannot reach MongoDB at ${member}; trying again`, now);
  });
  client.on('serverHeartbeatSucceeded', ({ connectionId: member }) => {
    if (failing.delete(member)) log.info(`MongoDB at ${member} is reached again`);
  });
}
