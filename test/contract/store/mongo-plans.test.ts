import { expect } from 'chai';
import { v4, v7 } from 'uuid';
import type { Document } from 'mongodb';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { Lease } from '../../../src/store/store.js';
import { mongoUnderTest } from './mongo-under-test.js';
import { accept, acceptOne, delayed, granted, lead, newTask, registration, reserving, startAll } from './support.js';

const PAST = new Date(Date.UTC(2020, 0));

/** Runs every query for real, and reads in the server's profile how it was answered. */
describe('the plans of the MongoDB store', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  let lease: Lease;
  let waiting: Task[];
  let holding: Task[];

  before('2,000 final tasks, 200 that wait, 20 of each other kind', async () => {
    const store = under.store();
    const many = (count: number, make: (n: number) => NewTask) =>
      accept(store, ...Array.from({ length: count }, (_, n) => make(n)));
    const final = (n: number) =>
      finished({
        state: 'completed',
        finishedAt: PAST,
        exclusive: [`r${n % 50}`],
        shared: ['s'],
        tags: ['old'],
        expiresAt: PAST,
      });
    await many(1_000, final);
    await many(1_000, final);
    lease = await lead(store);
    holding = await granted(store, lease, ...Array.from({ length: 20 }, (_, n) => reserving([`r${n}`])));
    await startAll(store, holding);
    await startAll(store, await many(20, () => newTask()), { worker: 'w', incarnation: 'one' });
    waiting = await many(100, () => newTask());
    await many(100, n => reserving([`r${n % 20}`], ['s']));
    await many(20, () => delayed(PAST));
  });

  function finished(change: Partial<NewTask>): NewTask {
    const { waitingFor, ...task } = newTask(change);
    expect(waitingFor).to.equal('worker');
    return task;
  }

  /** Everything that the work asked of the server: how many index keys and documents it looked at. */
  async function profile(work: () => Promise<unknown>): Promise<{ plans: string[]; examined: number }> {
    const db = under.db();
    await db.command({ profile: 0 });
    await db.collection('system.profile').drop();
    await db.command({ profile: 2 });
    await work();
    await db.command({ profile: 0 });
    const ours: Document = { ns: { $not: /system\.profile/ }, appName: 'interlock-test' };
    const entries = await db.collection('system.profile').find(ours).toArray();
    const plans = entries.flatMap(entry => (typeof entry.planSummary === 'string' ? [entry.planSummary] : []));
    const examined = entries.reduce((sum, entry) => sum + Number(entry.keysExamined ?? 0) + Number(entry.docsExamined ?? 0), 0);
    return { plans, examined };
  }

  const tasks = () => under.store().tasks;
  const run = () => ({ worker: 'w', incarnation: v4(), token: v4() });
  const page = { limit: 10, newestFirst: true };
  /** `most`: keys and documents together; 2,240 documents are there to be looked at by mistake. */
  const queries: [name: string, most: number, ask: () => Promise<unknown>][] = [
    ['claimable', 100, () => tasks().claimable({ queues: ['default', 'slow'], worker: 'w', limit: 10 })],
    [
      'start',
      40,
      () =>
        tasks().start(
          waiting.slice(0, 10).map(({ id }) => ({ id, attempt: 0, fence: 0 })),
          run(),
        ),
    ],
    [
      'start of what has gone',
      80,
      () =>
        tasks().start(
          waiting.slice(0, 10).map(({ id }) => ({ id, attempt: 0, fence: 0 })),
          run(),
        ),
    ],
    ['startBest', 40, () => tasks().startBest(['default', 'slow'], run())],
    [
      'finish',
      40,
      () => tasks().finish(holding.slice(0, 5).map(({ id }) => ({ id, token: v4(), outcome: { kind: 'completed', result: 1 } }))),
    ],
    ['namedBy', 50, () => tasks().namedBy('one')],
    ['active', 80, () => tasks().active(20)],
    ['activeOfTheDead', 80, () => tasks().activeOfTheDead(20)],
    [
      'cancelAssigned',
      20,
      async () => {
        const gone = registration({ name: 'gone' });
        await under.store().processes.register(gone, 60_000);
        await under.store().processes.declareMissing({ ...gone, beat: 0 }, { lapsed: false });
        await tasks().cancelAssigned(gone);
      },
    ],
    ['due', 50, () => tasks().due(20)],
    ['expire', 10, () => tasks().expire(10)],
    ['endedWithin', 60, () => tasks().endedWithin(60_000)],
    ['readyFor worker', 120, () => tasks().readyFor('worker', 0, 50)],
    ['readyFor resources', 120, () => tasks().readyFor('resources', 0, 50)],
    ['range', 50, () => tasks().range(waiting[0]!.seq, 20)],
    ['byNumbers', 20, () => tasks().byNumbers([waiting[0]!.seq, waiting[50]!.seq, 1_000_000])],
    ['holders', 150, () => tasks().holders(0, 1_000)], // the first page looks at what runs, too
    ['holders, another page', 40, () => tasks().holders(1, 1_000)],
    ['holderFences', 30, () => tasks().holderFences(0, 1_000)],
    ['waitingNumbers', 30, () => tasks().waitingNumbers(0, 20)],
    ['countInLines', 150, () => tasks().countInLines(1_000_000, 1_000)],
    ['waitingForResources', 50, () => tasks().waitingForResources(0, 20)],
    ['line', 40, () => tasks().line('r3', 20)],
    ['byIds', 20, () => tasks().byIds(waiting.slice(0, 5).map(task => task.id))],
    ['insert', 10, () => acceptOne(under.store(), newTask({ idempotency: { principal: 'p', key: v4(), bodyHash: 'h' } }))],
    ['byIdempotencyKey', 5, () => tasks().byIdempotencyKey('p', 'none')],
    ['get', 5, () => tasks().get(waiting[0]!.id)],
    ['list', 50, () => tasks().list({}, page)],
    ['list by name', 50, () => tasks().list({ name: ['repository.sync'] }, page)],
    ['list by state', 80, () => tasks().list({ state: ['running', 'canceling'] }, page)],
    ['list by tag', 50, () => tasks().list({ tag: ['old'] }, page)],
    ['list by resource', 80, () => tasks().list({ resource: ['r3'] }, page)],
    ['list by schedule', 20, () => tasks().list({ schedule: [v7()] }, page)],
    ['list by parent', 20, () => tasks().list({ parent: [v7()] }, page)],
    ['list by correlation id', 50, () => tasks().list({ correlationId: ['request-1'] }, page)],
    ['cancel', 10, () => tasks().cancel(waiting[90]!.id, 'ann', 'user')],
    ['remove', 10, () => tasks().remove(waiting[90]!.id)],
    ['processes.forget', 5, () => under.store().processes.forget(0, 10)],
    ['earliestLapseMs', 20, () => under.store().processes.earliestLapseMs()],
    ['processes.list', 20, () => under.store().processes.list()],
    ['schedules.due', 20, () => under.store().schedules.due(10)],
    ['leases.renew', 5, () => under.store().leases.renew(lease, 60_000)],
    [
      'grant',
      80,
      async () => {
        const task = await acceptOne(under.store(), reserving(['r3', 'fresh'], ['t']));
        expect((await under.store().grants.grant(lease, [task])).kind).to.equal('conflict');
      },
    ],
    ['unbind', 20, () => under.store().grants.unbind(lease, ['w'], { queue: 'default' })],
    ['unbind (of nobody)', 60, () => under.store().grants.unbind(lease, ['w'], { queue: 'default', to: 'w', unbound: true })],
  ];
  for (const [name, most, ask] of queries) {
    it(`${name} finds what it needs by an index`, async () => {
      const { plans, examined } = await profile(ask);
      expect(plans.length, 'plans in the profile').to.be.greaterThan(0);
      expect(plans.join('; ')).not.to.include('COLLSCAN');
      expect(examined, plans.join('; ')).to.be.at.most(most);
    });
  }
});
