import { expect } from 'chai';
import { v7 } from 'uuid';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { TaskFilter } from '../../../src/store/store.js';
import { mongoUnderTest } from './mongo-under-test.js';
import { profiled } from './profiled.js';
import { accept, newTask, registration } from './support.js';

const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2026, 0, 1, 12);
/** Of 3,000 tasks. A page of ten, some of which another filter holds back. */
const MOST = 250;

/** Every list that the API gives, for real: read off an index in its order, neither by looking at everything nor by sorting what was found. */
describe('the plans of lists on MongoDB', function () {
  this.timeout(120_000);
  const under = mongoUnderTest();
  const [group, parent, schedule] = [v7(), v7(), v7()];
  let stored: Task[];

  before('3,000 tasks of which nine of ten have ended, and a few of everything else', async () => {
    const store = under.store();
    const chosen = (n: number): Partial<NewTask> => ({
      ...{ name: `type-${n % 40}`, queue: `q${n % 40}`, tags: [`t${n % 40}`, 'all'], correlationId: `request-${n % 40}` },
      ...(n % 3 === 0 && { exclusive: [`r${n % 40}`] }),
      ...(n % 3 === 1 && { shared: [`r${n % 40}`] }),
      ...(n % 3 === 2 && { counted: [{ name: `r${n % 40}`, units: 1 }] }),
      ...(n % 40 === 1 && { group, parent, schedule: { id: schedule, slot: new Date(NOON + n) } }),
    });
    const ended = (n: number): NewTask => {
      const { waitingFor, ...task } = newTask({
        ...chosen(n),
        state: (['completed', 'failed', 'canceled', 'skipped'] as const)[n % 4]!,
        finishedAt: new Date(NOON + (n % 1_000) * HOUR_MS),
        attempts: [attempt(`w${n % 40}`)],
      });
      expect(waitingFor).to.equal('worker');
      return task;
    };
    stored = [];
    for (let from = 0; from < 3_000; from += 500)
      stored.push(
        ...(await accept(
          store,
          ...Array.from({ length: 500 }, (_, n) => (n % 10 === 0 ? newTask(chosen(from + n)) : ended(from + n))),
        )),
      );
    for (let n = 0; n < 5; n++) {
      await store.groups.create({ id: v7(), name: 'g', kind: 'group', correlationId: 'c' });
      await store.processes.register(registration({ name: `w${n}` }), 60_000);
      await store.documents.collection('repositories').insert(`r${n}`, {});
    }
  });

  const attempt = (worker: string): NewTask['attempts'][number] => ({
    ...{ n: 1, worker, incarnation: 'i', token: v7(), reason: 'completed' },
    ...{ startedAt: new Date(NOON), finishedAt: new Date(NOON) },
  });

  /** Gives the plans. */
  async function bounded(work: () => Promise<unknown>, most: number): Promise<string> {
    const { commands, plans, sorted, examined } = await profiled(under.db(), work);
    const all = plans.join('; ');
    expect(commands, 'commands in the profile').to.be.greaterThan(0);
    expect(all).to.not.include('COLLSCAN');
    expect(sorted, `sorted: ${all}`).to.equal(false);
    expect(examined, all).to.be.at.most(most);
    return all;
  }

  async function indexed(work: () => Promise<unknown>, most: number): Promise<void> {
    expect(await bounded(work, most)).to.include('IXSCAN');
  }

  const filters: [name: string, filter: TaskFilter, most?: number][] = [
    ['nothing', {}],
    ['a state', { state: ['failed'] }],
    ['several states', { state: ['waiting', 'failed', 'skipped'] }],
    ['a type', { name: ['type-1'] }],
    ['several types', { name: ['type-1', 'type-2', 'none'] }],
    ['a queue', { queue: ['q1'] }],
    ['a worker', { worker: ['w1'] }, 500],
    ['a resource', { resource: ['r1'] }],
    ['one of several resources', { resource: ['r1', 'r2', 'r3'] }, 400],
    ['one of several workers', { worker: ['w1', 'w2', 'w3'] }, 900],
    ['one of a hundred resources', { resource: Array.from({ length: 100 }, (_, n) => `r${n}`) }, 2_000],
    ['a tag', { tag: ['t1'] }],
    ['a group', { group: [group] }],
    ['a schedule', { schedule: [schedule] }],
    ['a parent', { parent: [parent] }],
    ['a request', { correlationId: ['request-1'] }],
    ['a time of creation', { createdAfter: new Date(0), createdBefore: new Date(Date.now() + HOUR_MS) }],
    ['a type that nobody has', { name: ['none'] }],
    ['a queue that nobody uses', { queue: ['none'] }],
    ['a worker that nobody knows', { worker: ['none'] }, 400],
    ['a resource that nobody reserved', { resource: ['none'] }],
    ['several fields', { name: ['type-1'], state: ['failed'], queue: ['q1'], tag: ['all'] }],
    // Ends in the order of creation: as many ended tasks are looked at as it takes. By finishedAt (below) only the page.
    ['a time of end, by creation', { finishedAfter: new Date(NOON), finishedBefore: new Date(NOON + 500 * HOUR_MS) }, 2_000],
    ['a rare time of end, by creation', { finishedAfter: new Date(NOON + 998 * HOUR_MS) }, 6_000],
    ['a time of end of a type, by creation', { finishedAfter: new Date(NOON), name: ['type-1'] }],
    ['a time of end of a group, by creation', { finishedAfter: new Date(NOON), group: [group], state: ['failed'] }],
  ];

  describe('of tasks by creation', () => {
    for (const [name, filter, most = MOST] of filters)
      for (const newestFirst of [true, false])
        it(`that have ${name}, ${newestFirst ? 'newest' : 'oldest'} first: an index in its order`, async () => {
          const page = { limit: 10, newestFirst };
          await indexed(() => under.store().tasks.list(filter, page), most);
          await indexed(() => under.store().tasks.list(filter, { ...page, after: stored[1_500]!.id }), most);
          await indexed(() => under.store().tasks.list(filter, { ...page, before: stored[1_500]!.id }), most);
        });
    for (const [name, filter, most = MOST] of filters)
      it(`ids of those that have ${name}`, () => indexed(() => under.store().tasks.ids(filter, 10, stored[1_000]!.id), most));
  });

  describe('of tasks by their ends', () => {
    for (const [name, filter] of filters)
      for (const newestFirst of [true, false])
        it(`that have ${name}, ${newestFirst ? 'latest' : 'earliest'} first: an index in its order`, async () => {
          const page = { limit: 10, newestFirst };
          // A filter that is no time is looked at task by task.
          const most = 6_100;
          await indexed(() => under.store().tasks.listEnded(filter, page), most);
          const place = { id: stored[1_501]!.id, finishedAt: new Date(NOON + 500 * HOUR_MS) };
          await indexed(() => under.store().tasks.listEnded(filter, { ...page, after: place }), most);
        });
    it('of a time: no more than the page', () =>
      indexed(
        () => under.store().tasks.listEnded({ finishedAfter: new Date(NOON + 998 * HOUR_MS) }, { limit: 10, newestFirst: true }),
        60,
      ));
  });

  const lists: [name: string, most: number, ask: () => Promise<unknown>][] = [
    ['groups', 20, () => under.store().groups.list(10)],
    ['groups, a further page', 20, () => under.store().groups.list(10, v7())],
    ['counts of a group', 160, () => under.store().groups.counts(group)],
    ['schedules', 20, () => under.store().schedules.list(10)],
    ['schedules, a further page', 20, () => under.store().schedules.list(10, v7())],
    ['processes', 40, () => under.store().processes.list()],
    ['documents', 40, () => under.store().documents.collection('repositories').list(10)],
    ['documents, a further page', 40, () => under.store().documents.collection('repositories').list(10, 'r2')],
    ['waiting tasks of a queue, counted', 800, () => under.store().tasks.count({ queue: ['q1'], state: ['waiting'] }, 10_000)],
    ['names of queues', 200, () => under.store().tasks.queues(100)],
    ['capacities', 5, () => under.store().capacities.of(['r1', 'r2'])],
    ['what has ended, counted by state', 6_100, () => under.store().tasks.countByState()],
  ];
  describe('of everything else', () => {
    for (const [name, most, ask] of lists)
      it(`${name}: an index in its order`, async () => {
        await bounded(ask, most);
      });
  });
});
