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
  // grant's conflict check, line: who holds a resource. A final task has no grant, so these hold open tasks only
  { name: 'held_exclusive', key: { exclusive: 1 }, partialFilterExpression: { 'grant.fence': { $gt: 0 } } },
  { name: 'held_shared', key: { shared: 1 }, partialFilterExpression: { 'grant.fence': { $gt: 0 } } },
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
  // endedWithin, list by finishedAt
  { name: 'finished', key: { finishedAt: 1 }, partialFilterExpression: { finishedAt: { $exists: true } } },
  // byIdempotencyKey; and one task a key
  {
    name: 'idempotency',
    key: { 'idempotency.principal': 1, 'idempotency.key': 1 },
    unique: true,
    partialFilterExpression: { 'idempotency.key': { $exists: true } },
  },
  // dependentsOf: gone from it as soon as it waits for nothing else
  { name: 'after', key: { 'after.id': 1 }, partialFilterExpression: { waitingFor: 'dependencies' } },
  // groups: members, their states
  { name: 'group', key: { group: 1, _id: 1 }, partialFilterExpression: { group: { $exists: true } } },
  // one task a unique key, as long as that holds
  { name: 'unique', key: { uniqueKey: 1 }, unique: true, partialFilterExpression: { uniqueKey: { $exists: true } } },
  // one task a slot; list by schedule
  {
    name: 'slot',
    key: { 'schedule.id': 1, 'schedule.slot': 1 },
    unique: true,
    partialFilterExpression: { 'schedule.slot': { $exists: true } },
  },
  // list: filters that never change, in order of id
  { name: 'list_name', key: { name: 1, _id: 1 } },
  { name: 'list_correlation', key: { correlationId: 1, _id: 1 } },
  { name: 'list_tags', key: { tags: 1, _id: 1 }, partialFilterExpression: { 'tags.0': { $exists: true } } },
  { name: 'list_parent', key: { parent: 1, _id: 1 }, partialFilterExpression: { parent: { $exists: true } } },
  {
    name: 'list_exclusive',
    key: { exclusive: 1, _id: 1 },
    partialFilterExpression: { 'exclusive.0': { $exists: true } },
  },
  { name: 'list_shared', key: { shared: 1, _id: 1 }, partialFilterExpression: { 'shared.0': { $exists: true } } },
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

/** Collections in which `_id` is all that is ever asked for have none. */
export const INDEXES: ReadonlyMap<string, readonly IndexDefinition[]> = new Map([
  ['tasks', TASKS],
  ['processes', PROCESSES],
  ['schedules', SCHEDULES],
  ['task_groups', []],
  ['leases', []],
  ['counters', []],
  ['meta', []],
]);

/** Of earlier versions. Each costs every write of a task; none is unique, so that a role of such a version that still runs is slower, no more. */
export const RETIRED_INDEXES: ReadonlyMap<string, readonly string[]> = new Map([['tasks', ['ended', 'claim']]]);

/** What a plugin may not name a collection: ours, and those that are to come. */
export const OWN_COLLECTIONS: ReadonlySet<string> = new Set([...INDEXES.keys(), 'tokens', 'audit']);
