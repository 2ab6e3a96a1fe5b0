import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import type { ReachedBroker } from '../../../src/broker/diagnosis.js';
import { failuresReason } from '../../../src/core/schedule.js';
import { CHECKS, diagnose } from '../../../src/doctor/doctor.js';
import type { Evidence, MachineEvidence, RecordsEvidence, SeenProcess } from '../../../src/doctor/evidence.js';
import type { ReachedDatabase } from '../../../src/store/diagnosis.js';
import type { LineTask } from '../../../src/store/store.js';
import { doctorTable } from '../../support/doctor-table.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);
const MINUTE = 60_000;
const DAY = 86_400_000;
const GIB = 2 ** 30;

const database: ReachedDatabase = {
  ...{ state: 'reached', database: 'interlock', version: '7.0.11', kind: 'replica-set', featureCompatibility: '7.0', tokens: 0 },
  clock: { thereMs: 1_000, hereMs: 1_010, roundTripMs: 4 },
  members: { healthy: 3, neededForMajority: 2, down: [] },
  disk: { usedBytes: 10 * GIB, totalBytes: 100 * GIB },
  drift: { missing: [], differing: [] },
};
const broker: ReachedBroker = {
  ...{ state: 'reached', version: '3.12.1', mayNot: [], missing: [], drift: [], dead: 0 },
  queues: [
    { destination: { to: 'resource-manager' }, name: 'resource-manager', messages: 0, consumers: 1 },
    { destination: { to: 'queue', queue: 'default' }, name: 'work.default', messages: 3, consumers: 2 },
    {
      destination: { to: 'worker', worker: 'reserved-resource-worker@a' },
      name: 'worker.reserved-resource-worker@a',
      consumers: 1,
    },
  ],
};
const machine: MachineEvidence = {
  now: NOW,
  folders: [{ key: 'dataDirectory', path: '/data', freeBytes: 50 * GIB, totalBytes: 100 * GIB }],
  certificates: [{ key: 'mongo.tls.caFile', path: '/ca.pem', subjects: [{ subject: 'CN=a', validTo: ago(-90 * DAY) }] }],
  children: [{ worker: 'w1', pids: [7] }],
};
const seen = (name: string, role: SeenProcess['role'], more: Partial<SeenProcess> = {}): SeenProcess => ({
  ...{ name, role, incarnation: name, beat: 1, host: 'h', bootId: 'b', pidNamespace: 'n', pid: 7, startTicks: 7, state: 'live' },
  ...{ leaseUntil: ago(-20_000), startedAt: ago(DAY), beatAt: ago(1_000), queues: [], dedicated: false, slots: 4 },
  ...{ versions: { interlock: '1.0.0', node: '20.19.0' }, online: true, leading: false, freeSlots: 2, gone: false },
  ...more,
});
const line = (more: Partial<LineTask> = {}): LineTask => ({
  ...{ id: 't-1', seq: 1, name: 'a.b', queue: 'default', priority: 4, exclusive: [], shared: [], state: 'waiting' },
  ...{ waitingFor: 'worker', maxAttempts: 1, createdAt: ago(DAY) },
  ...more,
});
const records: RecordsEvidence = {
  now: NOW,
  processes: [
    seen('api', 'api'),
    seen('w1', 'worker', { queues: ['default'] }),
    seen('rm', 'resource-manager', { leading: true }),
    seen('beat', 'beat', { leading: true }),
  ],
  leases: { 'resource-manager': { holder: 'rm', live: true }, beat: { holder: 'beat', live: true } },
  workers: [
    { name: 'w1', queues: ['default'], dedicated: false, types: new Map([['a.b', 0]]), freeSlots: 2 },
    { name: 'reserved-resource-worker@a', queues: [], dedicated: true, freeSlots: 1 },
  ],
  ...{ patienceMs: 25_000, sweepMs: 5_000, ready: [], stalled: [], blocked: [], blockedAfterMs: 3_600_000 },
  ...{ abandoned: [], schedules: [], unpurged: [] },
};
const healthy: Evidence = { version: '1.0.0', configuration: [], machine, database, broker, records };

const withRecords = (more: Partial<RecordsEvidence>): Evidence => ({ ...healthy, records: { ...records, ...more } });
const withDatabase = (more: Partial<ReachedDatabase>): Evidence => ({ ...healthy, database: { ...database, ...more } });
const withBroker = (more: Partial<ReachedBroker>): Evidence => ({ ...healthy, broker: { ...broker, ...more } });
const withMachine = (more: Partial<MachineEvidence>): Evidence => ({ ...healthy, machine: { ...machine, ...more } });
const without = (role: string): Evidence => withRecords({ processes: records.processes.filter(each => each.role !== role) });
const changed = (name: string, more: Partial<SeenProcess>): Evidence =>
  withRecords({ processes: records.processes.map(each => (each.name === name ? { ...each, ...more } : each)) });
const schedule = {
  ...{ id: 's', name: 'nightly', task: {}, misfire: 'one', overlap: 'allow', createdAt: ago(DAY), skipped: 0 },
  ...{ rule: { kind: 'interval', everyMs: 60_000, anchor: ago(DAY) }, countedFrom: ago(DAY), revision: 1, version: 1 },
} as unknown as RecordsEvidence['schedules'][number];

/** A deployment with nothing wrong but this, and a word of the evidence that must be told. */
const FAULTS: Record<string, [evidence: Evidence, told: string]> = {
  'configuration-invalid': [
    { version: '1', configuration: [{ key: 'api.port', source: 'f', detail: 'is odd' }] },
    'api.port (f)',
  ],
  'open-bind': [withMachine({ publicHost: '0.0.0.0', encrypted: true }), 'no tokens'],
  'folder-not-writable': [withMachine({ folders: [{ key: 'dataDirectory', path: '/data', refused: 'EACCES' }] }), 'EACCES'],
  'disk-full': [
    withMachine({ folders: [{ key: 'dataDirectory', path: '/data', freeBytes: GIB, totalBytes: 100 * GIB }] }),
    '1.0 GiB of 100 GiB',
  ],
  'certificate-expiring': [
    withMachine({ certificates: [{ key: 'k', path: '/c', subjects: [{ subject: 'CN=z', validTo: ago(-29 * DAY) }] }] }),
    'CN=z ends in 29 days',
  ],
  'certificate-unusable': [withMachine({ certificates: [{ key: 'k', path: '/c', subjects: [], problem: 'no key' }] }), 'no key'],
  'orphaned-children': [withMachine({ children: [{ worker: 'w9', pids: [41, 42] }] }), 'pid 41, 42'],
  'mongodb-unreachable': [{ ...healthy, database: { state: 'unreachable', why: 'no answer' } }, 'no answer'],
  'mongodb-permissions': [withDatabase({ mayNot: { user: 'ann', actions: ['insert'] } }), '"ann" may not insert'],
  'mongodb-standalone': [withDatabase({ kind: 'standalone' }), 'standalone'],
  'mongodb-too-old': [withDatabase({ version: '4.4.29', featureCompatibility: '4.4' }), '4.4.29'],
  'mongodb-compatibility': [withDatabase({ featureCompatibility: '6.0' }), '6.0 on a server 7.0.11'],
  'mongodb-majority': [withDatabase({ members: { healthy: 2, neededForMajority: 2, down: ['c:1'] } }), 'c:1'],
  'mongodb-disk-full': [withDatabase({ disk: { usedBytes: 99 * GIB, totalBytes: 100 * GIB } }), '1.0 GiB'],
  'clock-skew': [withDatabase({ clock: { thereMs: 10_000, hereMs: 1_000, roundTripMs: 9 } }), '9 s behind'],
  'index-missing': [withDatabase({ drift: { missing: ['index tasks.seq'], differing: [] } }), 'tasks.seq'],
  'index-differs': [withDatabase({ drift: { missing: [], differing: ['another one'] } }), 'another one'],
  'database-backwards': [
    withDatabase({ drift: { missing: [], differing: [], backwards: 'number 812 < seen 1,044' } }),
    'number 812 < seen 1,044',
  ],
  'database-refused': [withDatabase({ drift: { missing: [], differing: [], refused: 'schema 99' } }), 'schema 99'],
  'records-unreadable': [{ ...healthy, records: undefined as never, recordsTrouble: 'no answer within 10000 ms' }, '10000 ms'],
  'rabbitmq-unreachable': [{ ...healthy, broker: { state: 'unreachable', why: 'nobody there' } }, 'nobody there'],
  'rabbitmq-permissions': [withBroker({ mayNot: [{ permission: 'write', answer: '403' }] }), 'to write: 403'],
  'rabbitmq-too-old': [withBroker({ version: '3.9.29' }), '3.9.29'],
  'rabbitmq-memory-alarm': [withBroker({ alarm: 'low on memory' }), 'low on memory'],
  'rabbitmq-disk-alarm': [withBroker({ alarm: 'low on disk' }), 'low on disk'],
  'event-exchange-missing': [withBroker({ missing: [{ kind: 'exchange', name: 'p.interlock.events' }] }), 'p.interlock.events'],
  'topology-missing': [withBroker({ missing: [{ kind: 'queue', name: 'p.interlock.dead' }] }), 'p.interlock.dead'],
  'topology-drift': [withBroker({ drift: ['differs'] }), 'differs'],
  'dead-letters': [withBroker({ dead: 2 }), 'There are 2'],
  'queue-without-consumer': [
    withBroker({ queues: broker.queues.map(each => ({ ...each, consumers: each.name === 'work.default' ? 0 : 1 })) }),
    'work.default (3 messages)',
  ],
  'no-api': [without('api'), 'there never was one'],
  'no-worker': [changed('w1', { online: false, beatAt: ago(5 * MINUTE) }), 'w1 (live), heard 5 min ago'],
  'workers-paused': [withRecords({ workers: records.workers.map(each => ({ ...each, paused: true })) }), 'w1'],
  'no-resource-manager': [without('resource-manager'), 'None is live'],
  'no-leading-resource-manager': [changed('rm', { leading: false }), 'rm live'],
  'no-beat': [without('beat'), 'None is live'],
  'no-leading-beat': [changed('beat', { leading: false }), 'beat live'],
  'missing-worker': [
    withRecords({
      processes: [...records.processes, seen('w2', 'worker', { state: 'missing', online: false, beatAt: ago(3 * MINUTE) })],
    }),
    'w2 (host h, pid 7) was last heard 3 min ago',
  ],
  'stale-lease': [
    withRecords({ processes: [...records.processes, seen('w3', 'worker', { online: false, leaseUntil: ago(4 * MINUTE) })] }),
    'w3 lapsed 4 min ago',
  ],
  'version-mismatch': [changed('beat', { versions: { interlock: '0.9.0', node: '20' } }), '0.9.0: beat'],
  'queue-without-worker': [withRecords({ ready: [line({ queue: 'slow' })] }), '"slow", the first being t-1'],
  'bound-to-nobody': [withRecords({ ready: [line({ grant: { fence: 1, epoch: 1, at: NOW, worker: 'w8' } })] }), 'w8 alone'],
  'type-without-worker': [withRecords({ ready: [line({ name: 'c.d', version: 2 })] }), '"c.d@2"'],
  'task-stalled': [withRecords({ stalled: [{ task: line(), why: 'a slot is free.' }] }), 'a slot is free.'],
  'task-blocked-long': [withRecords({ blocked: [{ id: 't-2', name: 'a.b', text: 'X holds it.' }] }), 't-2 (a.b)'],
  'running-nowhere': [
    withRecords({ abandoned: [{ id: 't-3', name: 'a.b', worker: 'w7', since: ago(5 * MINUTE) }] }),
    'w7 5 min ago',
  ],
  'tasks-not-purged': [
    withRecords({ unpurged: [{ id: 't-4', state: 'failed', finishedAt: ago(40 * DAY), keptSeconds: 30 * 86_400 }] }),
    'older than 30 days',
  ],
  'schedule-overdue': [withRecords({ schedules: [{ ...schedule, nextAt: ago(10 * MINUTE) }] }), '"nightly" was due 10 min ago'],
  'schedule-refused': [
    withRecords({ schedules: [{ ...schedule, nextAt: ago(-1_000), pending: { slots: [NOW], tries: 4 } }] }),
    'refused 4 times',
  ],
  'schedule-paused-by-failures': [
    withRecords({ schedules: [{ ...schedule, paused: { at: ago(3 * MINUTE), reason: failuresReason(3, 't-9') } }] }),
    '3 runs in a row have failed',
  ],
};

describe('A doctor', () => {
  it('finds nothing in a healthy deployment, after looking for everything', () => {
    const { ok, findings, unchecked, checked } = diagnose(healthy);
    expect(findings).to.deep.equal([]);
    expect({ ok, unchecked }).to.deep.equal({ ok: true, unchecked: [] });
    expect(checked).to.deep.equal(CHECKS.map(({ name }) => name));
  });

  it('has a test of each of its faults', () => {
    expect(Object.keys(FAULTS).sort()).to.deep.equal(CHECKS.map(({ name }) => name).sort());
  });

  for (const [fault, [evidence, told]] of Object.entries(FAULTS)) {
    it(`names ${fault}, with evidence and a remedy`, () => {
      const found = diagnose(evidence).findings.filter(each => each.fault === fault);
      expect(found).to.have.length(1);
      expect(found[0]?.evidence).to.include(told);
      expect(found[0]?.remedy).to.not.equal('');
    });
  }

  it('finds that fault alone', () => {
    for (const [fault, [evidence]] of Object.entries(FAULTS)) {
      const others = diagnose(evidence)
        .findings.map(each => each.fault)
        .filter(each => each !== fault);
      expect(others, fault).to.deep.equal([]);
    }
  });

  it('does not take what is near a fault for one', () => {
    const sound: Evidence[] = [
      withMachine({ publicHost: '10.0.0.1', certificates: [] }),
      withDatabase({ clock: { thereMs: 10_000, hereMs: 12_000, roundTripMs: 0 } }),
      withRecords({ schedules: [{ ...schedule, paused: { at: NOW, reason: 'the last of them is enough' } }] }),
      withRecords({ schedules: [{ ...schedule, nextAt: ago(29_000) }] }),
      withRecords({ ready: [line(), line({ name: 'a.b', version: 0 })] }),
      changed('w1', { leaseUntil: ago(9_000) }),
    ];
    sound[0] = { ...sound[0]!, database: { ...database, tokens: 1 } };
    for (const [index, evidence] of sound.entries()) expect(diagnose(evidence).findings, String(index)).to.deep.equal([]);
  });

  it('tells errors before warnings, at most ten of one fault, and what it could not look for', () => {
    const abandoned = Array.from({ length: 25 }, (_, n) => ({ id: `t-${n}`, name: 'a', worker: 'w', since: ago(MINUTE) }));
    const many = diagnose({ ...withRecords({ abandoned }), broker: { ...broker, dead: 1 } });
    expect(many.findings).to.have.length(11);
    expect(many.omitted).to.equal(15);
    expect(many.findings.at(-1)?.severity).to.equal('warning');
    const blind = diagnose({ ...healthy, database: { state: 'unreachable', why: 'x' }, records: undefined as never });
    expect(blind.ok).to.equal(false);
    expect(blind.unchecked).to.include.members(['stale-lease', 'index-missing', 'queue-without-consumer']);
    expect([...blind.checked, ...blind.unchecked].sort()).to.deep.equal(CHECKS.map(({ name }) => name).sort());
  });

  it('has every fault in its manual', () => {
    const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8');
    expect(page, 'write it anew: node --import tsx test/support/doctor-table.ts --write').to.include(doctorTable());
  });
});
