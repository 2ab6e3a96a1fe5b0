import { MongoClient } from 'mongodb';
import { unfit } from './connect.js';

const DEFAULT_DATABASE = 'interlock';

/**
 * What a URL may not ask for: reads from members that may lag behind, and writes that a failover may take back.
 * Throws InterlockError `VALIDATION_FAILED`; the URL itself is never shown, since it may hold a password.
 */
export function refuseWeakUrl(url: string): void {
  const { readPreference, writeConcern, readConcern } = parsed(url).options;
  if (readPreference.mode !== 'primary') {
    throw unfit(`readPreference=${readPreference.mode} reads from members that may lag behind. Leave it out of the URL.`);
  }
  const w = (writeConcern as { w?: string | number } | undefined)?.w;
  if (w !== undefined && w !== 'majority') {
    throw unfit(`w=${w} lets a failover take back what was written. Leave it out of the URL, or use w=majority.`);
  }
  const level = (readConcern as { level?: string } | undefined)?.level;
  if (level !== undefined && level !== 'majority') {
    throw unfit(`readConcernLevel=${level} reads what a failover may take back. Leave it out of the URL.`);
  }
}

/** The database that the URL names; the driver itself would fall back to `test`. */
export function databaseOf(url: string): string {
  const [, name] = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(url) ?? [];
  return name === undefined ? DEFAULT_DATABASE : decodeURIComponent(name);
}

/** Never connected, so there is nothing to close. */
function parsed(url: string): MongoClient {
  try {
    return new MongoClient(url);
  } catch (error) {
    throw unfit(
      `the URL is not one that MongoDB's driver understands: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
