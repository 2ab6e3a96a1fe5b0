import { BSON } from 'mongodb';

const { EJSON } = BSON;
const AT = new Date('2026-01-31T11:00:00.000Z');
const ID = '0198c1f7-0000-7000-8000-0123456789ab';
const task = {
  ...{ _id: ID, seq: 3, name: 'a.b', queue: 'default', priority: 4, rank: 5, args: '[]', kwargs: '{}', tags: [], createdAt: AT },
  ...{ exclusive: ['r'], shared: [], attempt: 1, maxAttempts: 3, attempts: [], progress: [], createdResources: [] },
  ...{ onWorkerLoss: 'requeue', correlationId: 'c' },
};
const running = {
  ...{ state: 'running', grant: { fence: 3, epoch: 1, at: AT }, startedAt: AT },
  run: { worker: 'w', incarnation: 'i', token: 't', at: AT },
  progress: [{ code: 'c', message: 'm', done: 1, total: 2, suffix: null, state: 'running' }],
};
const schedule = {
  ...{ _id: ID, name: 's', task: {}, misfire: 'all', skipped: 0, countedFrom: AT, revision: 1, version: 0, overlap: 'allow' },
  nextAt: AT,
};
const monthly = { kind: 'iso8601', iso8601: 'R5/2026-01-31T11:00:00Z/P1M', start: AT, months: 1, ms: 0, count: 5 };

/** One of each kind that a restore changes on its way in, and one that it does not know. */
export const DOCUMENTS: Record<string, object[]> = {
  tasks: [
    { ...task, state: 'waiting', waitingFor: 'resources', uniqueKey: 'k' },
    { ...task, ...running },
    { ...task, state: 'completed', finishedAt: AT },
    { _id: 'void-9', seq: 9, voidAt: AT },
  ],
  schedules: [
    { ...schedule, rule: { kind: 'interval', intervalMs: 3_600_000, anchor: AT } },
    { ...schedule, rule: { kind: 'cron', cron: '0 2 * * MON-FRI', timezone: 'Europe/Berlin' }, pending: { slot: AT } },
    { ...schedule, rule: monthly, remainingRuns: 3 },
  ],
  leases: [{ _id: 'beat', holder: 'b', incarnation: 'i', epoch: 4, until: AT, fence: 9, floor: 3 }],
  meta: [{ _id: 'deployment', schema: 1, generation: 1, seqHigh: 3, createdAt: AT }],
  processes: [{ _id: 'w', role: 'worker', queues: ['default'] }],
  repositories: [{ _id: 'a', revision: 1, body: { fence: 2 } }],
};

/** As JSON that keeps the types of BSON. */
export const DOCUMENT_TEXTS: unknown[] = Object.values(DOCUMENTS)
  .flat()
  .map(document => EJSON.serialize(document, { relaxed: false }));

/** The document that such a text describes; where it describes none, the text itself behind the length of a document. */
export function documentOf(text: Buffer): Buffer {
  try {
    return Buffer.from(BSON.serialize(EJSON.parse(text.toString('utf8'), { relaxed: false }) as object));
  } catch {
    const bytes = Buffer.concat([Buffer.alloc(4), text, Buffer.alloc(1)]);
    bytes.writeInt32LE(bytes.length);
    return bytes;
  }
}
