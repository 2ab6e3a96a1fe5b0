import type { Role } from '../../core/process.js';
import { span } from '../../core/span.js';
import { grouped, named, ofRecords, type Check, type Found } from '../check.js';
import type { RecordsEvidence, SeenProcess } from '../evidence.js';

const start = (role: Role): string => `interlock ${role}; on a machine with systemd: systemctl start interlock.target`;

export const PROCESS_CHECKS: readonly Check[] = [
  ofRecords({ name: 'no-api', severity: 'error', about: 'No API is live: nothing can be submitted.' }, records =>
    nobody(records, 'api'),
  ),
  ofRecords({ name: 'no-worker', severity: 'error', about: 'No worker with slots is live: nothing is started.' }, records =>
    records.processes.some(each => each.role === 'worker' && each.online && each.slots > 0) ? [] : [gone(records, 'worker')],
  ),
  ofRecords(
    { name: 'workers-paused', severity: 'warning', about: 'Every live worker is paused: nothing is started.' },
    ({ workers }) =>
      workers.length === 0 || workers.some(({ paused }) => paused !== true)
        ? []
        : [{ evidence: `Paused: ${named(workers.map(({ name }) => name))}.`, remedy: 'interlock workers resume --all' }],
  ),
  ofRecords(
    {
      name: 'no-resource-manager',
      severity: 'error',
      about: 'No resource manager is live: nothing that reserves something is started.',
    },
    records => nobody(records, 'resource-manager'),
  ),
  ofRecords(
    {
      name: 'no-leading-resource-manager',
      severity: 'error',
      about: 'Resource managers are live, but none of them leads: nothing is granted.',
    },
    records => leaderless(records, 'resource-manager'),
  ),
  ofRecords(
    {
      name: 'no-beat',
      severity: 'error',
      about: 'No beat is live: no schedules, no delays, and nobody notices the loss of a worker.',
    },
    records => nobody(records, 'beat'),
  ),
  ofRecords(
    { name: 'no-leading-beat', severity: 'error', about: 'Beats are live, but none of them leads: schedules make no tasks.' },
    records => leaderless(records, 'beat'),
  ),
  ofRecords(
    { name: 'missing-worker', severity: 'warning', about: 'A worker was lost, and nobody has taken its name since.' },
    ({ processes, now }) =>
      processes
        .filter(({ role, state }) => role === 'worker' && state === 'missing')
        .map(({ name, host, pid, beatAt, queues }) => ({
          evidence: `${name} (host ${host}, pid ${pid}) was last heard ${span(now.getTime() - beatAt.getTime())} ago.`,
          remedy: `interlock worker -n '${name}'${queues.length > 0 ? ` -Q ${queues.join(',')}` : ''}`,
        })),
  ),
  ofRecords(
    {
      name: 'stale-lease',
      severity: 'error',
      about: 'The lease of a process lapsed long ago, and no beat has declared it missing: what it ran is not freed.',
    },
    ({ processes, now, sweepMs }) =>
      processes
        .filter(each => isStale(each, now, sweepMs))
        .map(({ role, name, leaseUntil }) => ({
          evidence: `The lease of the ${role} ${name} lapsed ${span(now.getTime() - leaseUntil.getTime())} ago; its record still says live.`,
          remedy: `A beat that lives declares it missing within half a minute: ${start('beat')}`,
        })),
  ),
  ofRecords(
    { name: 'version-mismatch', severity: 'warning', about: 'Processes of several versions of Interlock are live.' },
    ({ processes }, { version }) =>
      mismatch(
        processes.filter(({ online }) => online),
        version,
      ),
  ),
];

function nobody(records: RecordsEvidence, role: Role): Found[] {
  return records.processes.some(each => each.role === role && each.online) ? [] : [gone(records, role)];
}

/** With who was the last. */
function gone({ processes, now }: RecordsEvidence, role: Role): Found {
  const [last] = processes.filter(each => each.role === role).sort((a, b) => b.beatAt.getTime() - a.beatAt.getTime());
  const was = last
    ? `; the last was ${last.name} (${last.state}), heard ${span(now.getTime() - last.beatAt.getTime())} ago`
    : ', and there never was one';
  return { evidence: `None is live${was}.`, remedy: start(role) };
}

function leaderless({ processes, leases }: RecordsEvidence, role: 'resource-manager' | 'beat'): Found[] {
  const live = processes.filter(each => each.role === role && each.online);
  if (live.length === 0 || live.some(({ leading }) => leading)) return [];
  const lease = leases[role];
  const holder = lease?.live === true ? `the lease is held by ${lease.holder}, which is not live` : 'the lease has lapsed';
  const evidence = `${named(live.map(({ name }) => name))} live, and ${holder}.`;
  return [
    { evidence, remedy: 'It passes on by itself within 15 s; where it does not, their logs say why. Restart one of them.' },
  ];
}

/** Two sweeps should have seen it. */
function isStale({ state, leaseUntil }: SeenProcess, now: Date, sweepMs: number): boolean {
  return state === 'live' && now.getTime() - leaseUntil.getTime() > 2 * sweepMs;
}

function mismatch(live: readonly SeenProcess[], own: string): Found[] {
  const byVersion = grouped(live, ({ versions }) => versions.interlock);
  if (byVersion.every(([version]) => version === own)) return [];
  const told = byVersion.map(
    ([version, of]) =>
      `${version}: ${named(
        of.map(({ name }) => name),
        3,
      )}`,
  );
  return [
    { evidence: `${told.join('; ')}; this command: ${own}.`, remedy: 'Install one version everywhere and restart the others.' },
  ];
}
