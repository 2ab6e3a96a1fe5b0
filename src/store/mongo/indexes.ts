import type { Document } from 'mongodb';

export interface IndexDefinition {
  /** Never given to another definition: a changed index gets a new name. */
  name: string;
  key: Record<string, 1 | -1>;
  unique?: true;
  partialFilterExpression?: Document;
  expireAfterSeconds?: number;
}

const WEEK_SECONDS = 7 * 24 * 3_600;

/**
 * Each with the query that it serves. A key that changes costs more than a command (`state` alone doubles the price of a start), so what
 * changes is indexed only while somebody looks for it: partial indexes, whose filter the query must repeat word for word.
 */
const TASKS: IndexDefinition[] = [
  // range, byNumbers; and a number is given once, to a task or a void
  { name: 'seq', key: { seq: 1 }, unique: true },
  // claimable: the best of some queues, free or bound to one worker; unbind. An entry exists only while a task may start
  {
    name: 'claim_rank',
    key: { 'grant.worker': 1, queue: 1, rank: 1, seq: 1 },
    partialFilterExpression: { waitingFor: 'worker' },
  },
  // readyFor, waitingForResources: in order of number
  { name: 'waiting', key: { waitingFor: 1, seq: 1 }, partialFilterExpression: { waitingFor: { $exists: true } } },
  // line: who waits for a resource (two arrays cannot share an index)
  { name: 'line_exclusive', key: { exclusive: 1, seq: 1 }, partialFilterExpression: { waitingFor: 'resources' } },
  { name: 'line_shared', key: { shared: 1, seq: 1 }, partialFilterExpression: { waitingFor: 'resources' } },
  {
    name: 'line_counted',
    key: { 'counted.name': 1, seq: 1 },
    partialFilterExpression: { 'counted.0': { $exists: true }, waitingFor: 'resources' },
  },
  // grant's conflict check, line: who holds a resource. A final task has no grant, so these hold open tasks only
  { name: 'held_exclusive', key: { exclusive: 1 }, partialFilterExpression: { 'grant.fence': { $gt: 0 } } },
  { name: 'held_shared', key: { shared: 1 }, partialFilterExpression: { 'grant.fence': { $gt: 0 } } },
  {
    name: 'held_counted',
    key: { 'counted.name': 1 },
    partialFilterExpression: { 'counted.0': { $exists: true }, 'grant.fence': { $gt: 0 } },
  },
  // grant's conflict check: whether it has to ask for patterns and units at all
  {
    name: 'held_special',
    key: { special: 1 },
    partialFilterExpression: { special: true, 'grant.fence': { $gt: 0 } },
  },
  // holders
  { name: 'holders', key: { 'grant.fence': 1 }, partialFilterExpression: { 'grant.fence': { $gt: 0 } } },
  // namedBy: only tasks that run have one
  {
    name: 'incarnation',
    key: { 'run.incarnation': 1 },
    partialFilterExpression: { 'run.incarnation': { $exists: true } },
  },
  // active, list by state, countByState: the one index that every change of state pays for
  { name: 'state', key: { state: 1, _id: 1 } },
  // due
  { name: 'due', key: { dueAt: 1 }, partialFilterExpression: { dueAt: { $exists: true } } },
  // expire: gone from it when the task has started
  { name: 'expires', key: { expiresAt: 1 }, partialFilterExpression: { expiresAt: { $exists: true }, state: 'waiting' } },
  // endedWithin, list by finishedAt; purge: what ended in one state, in the order of its ends. Written once, at the end
  {
    name: 'ended_state',
    key: { state: 1, finishedAt: 1, _id: 1 },
    partialFilterExpression: { finishedAt: { $exists: true } },
  },
  // byIdempotencyKey; and one task a key
  {
    name: 'idempotency',
    key: { 'idempotency.principal': 1, 'idempotency.key': 1 },
    unique: true,
    partialFilterExpression: { 'idempotency.key': { $exists: true } },
  },
  // dependentsOf: gone from it as soon as it waits for nothing else
  { name: 'after', key: { 'after.id': 1 }, partialFilterExpression: { waitingFor: 'dependencies' } },
  // awaiting: only tasks whose bodies wait for others
  { name: 'awaiting', key: { seq: 1, startedAt: 1 }, partialFilterExpression: { 'awaiting.0': { $exists: true } } },
  // groups: members, their states
  { name: 'group', key: { group: 1, _id: 1 }, partialFilterExpression: { group: { $exists: true } } },
  // purge: whether a group has open members, which are those without an end
  {
    name: 'group_open',
    key: { group: 1, finishedAt: 1, _id: 1 },
    partialFilterExpression: { group: { $exists: true } },
  },
  // one task a unique key, as long as that holds
  { name: 'unique', key: { uniqueKey: 1 }, unique: true, partialFilterExpression: { uniqueKey: { $exists: true } } },
  // standing: who waits for a turn under a rate, and who has it and has not started
  {
    name: 'rate',
    key: { 'rate.key': 1, waitingFor: 1, seq: 1 },
    partialFilterExpression: { 'rate.key': { $exists: true }, waitingFor: { $exists: true } },
  },
  // one task a slot; runsOf
  {
    name: 'slot',
    key: { 'schedule.id': 1, 'schedule.slot': 1 },
    unique: true,
    partialFilterExpression: { 'schedule.slot': { $exists: true } },
  },
  // list: filters that never change, in order of id
  { name: 'list_name', key: { name: 1, _id: 1 } },
  { name: 'list_queue', key: { queue: 1, _id: 1 } },
  {
    name: 'list_schedule',
    key: { 'schedule.id': 1, _id: 1 },
    partialFilterExpression: { 'schedule.slot': { $exists: true } },
  },
  // list by worker: what it has run; written once a start, at its end
  {
    name: 'list_worker',
    key: { 'attempts.worker': 1, _id: 1 },
    partialFilterExpression: { 'attempts.0': { $exists: true } },
  },
  { name: 'list_correlation', key: { correlationId: 1, _id: 1 } },
  { name: 'list_tags', key: { tags: 1, _id: 1 }, partialFilterExpression: { 'tags.0': { $exists: true } } },
  { name: 'list_parent', key: { parent: 1, _id: 1 }, partialFilterExpression: { parent: { $exists: true } } },
  {
    name: 'list_exclusive',
    key: { exclusive: 1, _id: 1 },
    partialFilterExpression: { 'exclusive.0': { $exists: true } },
  },
  { name: 'list_shared', key: { shared: 1, _id: 1 }, partialFilterExpression: { 'shared.0': { $exists: true } } },
  {
    name: 'list_counted',
    key: { 'counted.name': 1, _id: 1 },
    partialFilterExpression: { 'counted.0': { $exists: true } },
  },
  // voids are kept for 7 days: longer than any insert can be late
  {
    name: 'voids',
    key: { voidAt: 1 },
    expireAfterSeconds: WEEK_SECONDS,
    partialFilterExpression: { voidAt: { $exists: true } },
  },
];

const PROCESSES: IndexDefinition[] = [
  // activeOfTheDead, earliestLapseMs; list: live ones (first by name of the state), newest first
  { name: 'state', key: { state: 1, startedAt: -1 } },
  // forget: not by a TTL, which would also take what nobody has settled yet
  { name: 'over', key: { endedAt: 1 }, partialFilterExpression: { endedAt: { $exists: true } } },
];

const SCHEDULES: IndexDefinition[] = [
  // create: names are unique
  { name: 'name', key: { name: 1 }, unique: true },
  // due
  { name: 'next', key: { nextAt: 1 } },
];

const RATES: IndexDefinition[] = [
  // a full bucket is as good as none; but who was ready to start by it may take a while
  { name: 'full', key: { fullAt: 1 }, expireAfterSeconds: 24 * 3_600 },
];

const TOKENS: IndexDefinition[] = [
  // byHash: one look for each token that is not known yet
  { name: 'hash', key: { hash: 1 }, unique: true },
  // create: names are unique; byName
  { name: 'name', key: { name: 1 }, unique: true },
];

/** Of the audit trail. Each entry is written twice, a few times a day. */
const TRAIL: IndexDefinition[] = [
  { name: 'who', key: { who: 1, _id: 1 } },
  { name: 'operation', key: { operation: 1, _id: 1 } },
  { name: 'target', key: { target: 1, _id: 1 } },
  // each says itself how long it is kept
  { name: 'expires', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
];

/** Collections in which `_id` is all that is ever asked for have none. */
export const INDEXES: ReadonlyMap<string, readonly IndexDefinition[]> = new Map([
  ['tasks', TASKS],
  ['processes', PROCESSES],
  ['schedules', SCHEDULES],
  ['rates', RATES],
  ['tokens', TOKENS],
  ['audit', TRAIL],
  ['task_groups', []],
  ['capacities', []],
  ['leases', []],
  ['counters', []],
  ['meta', []],
]);

/** Of earlier versions. Each costs every write of a task; none is unique, so that a role of such a version that still runs is slower, no more. */
export const RETIRED_INDEXES: ReadonlyMap<string, readonly string[]> = new Map([['tasks', ['ended', 'claim', 'finished']]]);

/** What a plugin may not name a collection. */
export const OWN_COLLECTIONS: ReadonlySet<string> = new Set(INDEXES.keys());
