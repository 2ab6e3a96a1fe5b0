import { span } from '../../core/span.js';
import type { ReachedDatabase } from '../../store/diagnosis.js';
import { bytes, named, ofDatabase, ofEvidence, type Check, type Found } from '../check.js';
import { isNearlyFull } from './machine.js';

export const OLDEST_MONGODB = 5;
/** Leases live by the server's time alone, and people compare clocks: this much is told. */
export const MOST_SKEW_MS = 2_000;

export const DATABASE_CHECKS: readonly Check[] = [
  ofEvidence(
    {
      name: 'mongodb-unreachable',
      severity: 'error',
      about: 'MongoDB does not answer, or has no primary: nothing is accepted, started or ended.',
    },
    ({ database }) => {
      if (!database) return undefined;
      if (database.state !== 'unreachable') return [];
      const remedy = 'Start it (systemctl start mongod), or name the right one: interlock config show --sources (mongo.url)';
      return [{ evidence: database.why, remedy }];
    },
  ),
  ofEvidence(
    {
      name: 'mongodb-permissions',
      severity: 'error',
      about: 'MongoDB refuses the user of the settings, or that user may not do all that roles do.',
    },
    ({ database }) => {
      if (!database || database.state === 'unreachable') return undefined;
      if (database.state === 'refused') return [{ evidence: database.why, remedy: 'Mend user and password in mongo.url.' }];
      const { mayNot } = database;
      return mayNot ? [lacking(mayNot, database.database)] : [];
    },
  ),
  ofDatabase(
    {
      name: 'mongodb-standalone',
      severity: 'error',
      about: 'MongoDB is no replica set, or one that was never initiated: it has no transactions and no majority writes.',
    },
    ({ kind }) => {
      const initiate = `mongosh --eval 'rs.initiate()'`;
      if (kind === 'standalone')
        return [{ evidence: 'It is a standalone.', remedy: `Restart mongod with --replSet rs0, then: ${initiate}` }];
      return kind === 'uninitiated' ? [{ evidence: 'Its replica set was never initiated.', remedy: initiate }] : [];
    },
  ),
  ofDatabase({ name: 'mongodb-too-old', severity: 'error', about: 'MongoDB is older than 5.0.' }, ({ version }) =>
    isOlder(version, OLDEST_MONGODB)
      ? [
          {
            evidence: `It is ${version}.`,
            remedy: `Upgrade it, one major version after the other, to ${OLDEST_MONGODB}.0 or newer.`,
          },
        ]
      : [],
  ),
  ofDatabase(
    {
      name: 'mongodb-compatibility',
      severity: 'warning',
      about: 'The feature compatibility version of MongoDB was left behind by an upgrade.',
    },
    ({ featureCompatibility, version }) => {
      if (featureCompatibility === undefined) return [];
      const major = Number.parseInt(version, 10);
      if (Number.parseInt(featureCompatibility, 10) >= major) return [];
      const confirm = major >= 7 ? ', confirm: true' : '';
      const remedy = `mongosh --eval 'db.adminCommand({setFeatureCompatibilityVersion: "${major}.0"${confirm}})'`;
      return [{ evidence: `It is ${featureCompatibility} on a server ${version}.`, remedy }];
    },
  ),
  ofDatabase(
    {
      name: 'mongodb-majority',
      severity: 'error',
      about: 'Members of the replica set are away: one more, and no majority can be written to.',
    },
    ({ members }) => (members ? away(members) : []),
  ),
  ofDatabase(
    { name: 'mongodb-disk-full', severity: 'error', about: 'The disk of MongoDB has less than 512 MiB or less than 2 % left.' },
    ({ disk }) => {
      if (!disk || !isNearlyFull(disk.totalBytes - disk.usedBytes, disk.totalBytes)) return [];
      const free = Math.max(0, disk.totalBytes - disk.usedBytes);
      const evidence = `${bytes(free)} of ${bytes(disk.totalBytes)} are free.`;
      return [
        { evidence, remedy: 'Make room there; shorter retention.* keeps fewer tasks, `interlock task purge` deletes at once.' },
      ];
    },
  ),
  ofDatabase(
    {
      name: 'clock-skew',
      severity: 'warning',
      about:
        'The clock of this machine and that of MongoDB differ by more than 2 s. No lease depends on it; times in logs and records do.',
    },
    ({ clock: { thereMs, hereMs, roundTripMs } }) => {
      const skewMs = hereMs - thereMs;
      if (Math.abs(skewMs) <= MOST_SKEW_MS + roundTripMs / 2) return [];
      const evidence = `This machine is ${span(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the server.`;
      return [{ evidence, remedy: 'Let both follow a time server: timedatectl set-ntp true' }];
    },
  ),
  ofDatabase(
    { name: 'index-missing', severity: 'error', about: 'Indexes, collections or fixed documents are missing in the database.' },
    ({ drift }) => {
      if (!drift || drift.missing.length === 0) return [];
      return [{ evidence: `Missing: ${named(drift.missing)}.`, remedy: 'interlock manage-db' }];
    },
  ),
  ofDatabase(
    { name: 'index-differs', severity: 'error', about: 'An index of the database is not the one that this version needs.' },
    ({ drift }) =>
      (drift?.differing ?? []).map(evidence => ({ evidence, remedy: 'As it says, with all Interlock processes stopped.' })),
  ),
  ofDatabase(
    {
      name: 'database-refused',
      severity: 'error',
      about: 'A newer version wrote the database, or a restore is not through: no role starts on it.',
    },
    ({ drift }) => (drift?.refused === undefined ? [] : [{ evidence: drift.refused, remedy: 'As it says.' }]),
  ),
  ofDatabase(
    {
      name: 'database-backwards',
      severity: 'error',
      about:
        'Older files of the database were put back under roles that had seen newer ones: nothing is accepted, granted or started.',
    },
    ({ drift }) => (drift?.backwards === undefined ? [] : [{ evidence: drift.backwards, remedy: 'As it says.' }]),
  ),
  ofEvidence(
    {
      name: 'records-unreadable',
      severity: 'error',
      about: 'The database answers, but its records could not be read: it is too slow, or this user may not read them.',
    },
    ({ recordsTrouble, records }) => {
      if (recordsTrouble !== undefined)
        return [{ evidence: recordsTrouble, remedy: 'Its log and mongosh --eval "db.currentOp()" say why.' }];
      return records ? [] : undefined;
    },
  ),
];

function lacking({ user, actions }: NonNullable<ReachedDatabase['mayNot']>, database: string): Found {
  const grant = `db.getSiblingDB('admin').grantRolesToUser('${user}', [{role: 'readWrite', db: '${database}'}])`;
  return { evidence: `The user "${user}" may not ${named(actions, 10)} in "${database}".`, remedy: `mongosh --eval "${grant}"` };
}

function away({ healthy, neededForMajority, down }: NonNullable<ReachedDatabase['members']>): Found[] {
  if (down.length === 0 && healthy >= neededForMajority) return [];
  const evidence = `${healthy} members work, ${neededForMajority} are needed; not reached: ${named(down) || 'none'}.`;
  return [{ evidence, remedy: 'Start those members (systemctl start mongod there); mongosh --eval "rs.status()" shows them.' }];
}

function isOlder(version: string, oldest: number): boolean {
  return Number.parseInt(version, 10) < oldest;
}
