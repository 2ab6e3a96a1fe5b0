import { expect } from 'chai';
import { v4, v7 } from 'uuid';
import { StoreError } from '../../../src/core/errors.js';
import type { Registration } from '../../../src/core/process.js';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { Lease, Store } from '../../../src/store/store.js';

/** What a contract suite needs to know of an adapter. */
export interface StoreUnderTest {
  /** Two processes on one database. */
  store(): Store;
  other(): Store;
  /** Takes every record away and frees the leases. */
  clear(): Promise<void>;
}

/** A plain task that is ready to start. */
export function newTask(change: Partial<NewTask> = {}): NewTask {
  return {
    id: v7(),
    name: 'repository.sync',
    args: [],
    kwargs: {},
    queue: 'default',
    priority: 4,
    exclusive: [],
    shared: [],
    state: 'waiting',
    waitingFor: 'worker',
    attempt: 0,
    maxAttempts: 1,
    onWorkerLoss: 'cancel',
    attempts: [],
    progress: [],
    createdResources: [],
    correlationId: 'request-1',
    tags: [],
    ...change,
  };
}

/** One that waits for its resources. */
export function reserving(exclusive: string[], shared: string[] = [], change: Partial<NewTask> = {}): NewTask {
  return newTask({ exclusive, shared, waitingFor: 'resources', ...change });
}

export function delayed(dueAt: Date, change: Partial<NewTask> = {}): NewTask {
  return newTask({ waitingFor: 'delay', dueAt, ...change });
}

export async function accept(store: Store, ...tasks: NewTask[]): Promise<Task[]> {
  const verdicts = await store.tasks.insert(tasks, await store.tasks.takeNumbers(tasks.length));
  return verdicts.map(verdict => {
    if (verdict.kind !== 'stored') throw new Error(`not stored: ${verdict.kind}`);
    return verdict.task;
  });
}

export async function acceptOne(store: Store, task: NewTask): Promise<Task> {
  const [stored] = await accept(store, task);
  return stored!;
}

export const WORKER = { worker: 'worker@a', incarnation: 'incarnation-a' };

/** Starts them as this worker and gives the token. */
export async function startAll(store: Store, tasks: readonly Task[], run = WORKER): Promise<string> {
  const token = v4();
  const starts = tasks.map(({ id, attempt, grant }) => ({ id, attempt, fence: grant?.fence ?? 0 }));
  const started = await store.tasks.start(starts, { ...run, token });
  if (started.size !== tasks.length) throw new Error(`started ${started.size} of ${tasks.length}`);
  return token;
}

/** A worker that asks for its name. */
export const registration = (change: Partial<Registration> = {}): Registration => ({
  name: 'worker@a',
  role: 'worker',
  incarnation: v4(),
  ...{ host: 'a', bootId: '$boot', pidNamespace: 'pid:[1]', pid: 42, startTicks: 1_000 },
  queues: ['default', '$q'],
  dedicated: false,
  slots: 4,
  versions: { interlock: '0.1.0', node: '20.20.2' },
  ...change,
});

/** A lease for a minute. */
export async function lead(store: Store, name: Lease['name'] = 'resource-manager', holder = 'rm-1'): Promise<Lease> {
  const lease = await store.leases.acquire(name, { name: holder, incarnation: `${holder}/1` }, 60_000);
  if (!lease) throw new Error('somebody else leads');
  return lease;
}

/** Accepts and grants, and gives the tasks as they stand then. */
export async function granted(store: Store, lease: Lease, ...tasks: NewTask[]): Promise<Task[]> {
  const stored = await accept(store, ...tasks);
  const verdict = await store.grants.grant(lease, stored);
  if (verdict.kind !== 'granted') throw new Error(`not granted: ${verdict.kind}`);
  lease.fence = verdict.fence;
  return Promise.all(stored.map(async task => (await store.tasks.get(task.id))!));
}

/** Everything that a careless adapter might interpret. `JSON.parse`, because a literal would set the prototype. */
export const NASTY = JSON.parse(
  '{"$where":"1","a.b":{"$gt":1},"__proto__":{"x":1},"2":"b","1":"a","price":"$5 off","name":"$name","now":"$$NOW","":{"":0},' +
    '"lone":"\\ud800","wide":"\\ud83d\\ude80 \\u00e9 \\u202e","nul":"\\u0000","_bsontype":"ObjectId"}',
) as Record<string, never>;

/** The StoreError that the work must end with. */
export async function thrown(work: Promise<unknown>): Promise<StoreError> {
  const error = await work.then(() => undefined).catch((reason: unknown) => reason);
  if (!(error instanceof StoreError)) return expect.fail(`no StoreError, but ${String(error)}`);
  return error;
}
