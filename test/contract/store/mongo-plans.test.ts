import { expect } from 'chai';
import { v4, v7 } from 'uuid';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { Lease } from '../../../src/store/store.js';
import { mongoUnderTest } from './mongo-under-test.js';
import { profiled } from './profiled.js';
import { accept, acceptOne, delayed, granted, lead, newTask, registration, reserving, startAll } from './support.js';

const PAST = new Date(Date.UTC(2020, 0));

/** Runs every query for real, and reads in the server's profile how it was answered. */
describe('the plans of the MongoDB store', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  let lease: Lease;
  let waiting: Task[];
  let holding: Task[];

  before('2,000 final tasks, 250 that wait, 45 that hold, 20 of each other kind', async () => {
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
    await many(10, () => newTask({ rate: { key: 'k', count: 1, perMs: 1_000 }, waitingFor: 'resources' }));
    const counted = (n: number) => [{ name: `gpu-${n % 5}`, units: 1, capacity: 1_000 }];
    await granted(
      store,
      lease,
      ...Array.from({ length: 20 }, (_, n) => newTask({ counted: counted(n), waitingFor: 'resources' })),
    );
    await many(50, n => newTask({ counted: counted(n), waitingFor: 'resources' }));
    await granted(store, lease, ...Array.from({ length: 5 }, (_, n) => reserving([`tree/${n}/**`])));
    // A group of which all members but one have ended, and some without members.
    await many(200, () => finished({ state: 'canceled', finishedAt: PAST, group: 'large' }));
    await many(10, () => finished({ state: 'skipped', finishedAt: PAST, group: 'large' }));
    await many(1, () => newTask({ group: 'large', queue: 'nobody' }));
    for (let n = 0; n < 60; n++) {
      const common = { role: 'read' as const, hint: 'ilk_', createdBy: 'local' };
      await store.tokens.create({ id: `id-${10 + n}`, name: `name-${n}`, hash: `hash-${n}`, ...common });
      const entry = { at: PAST, who: n % 20 === 0 ? 'rare' : 'often', operation: n % 6 === 0 ? 'purgeTasks' : 'deleteTask' };
      await store.trail.append({ id: `id-${10 + n}`, target: `t${n}`, requestId: 'r', outcome: 'done', ...entry });
    }
    for (const id of ['large', 'none-1', 'none-2'])
      await store.groups.create({ id, name: id, kind: 'group', correlationId: 'c' });
  });

  function finished(change: Partial<NewTask>): NewTask {
    const { waitingFor, ...task } = newTask(change);
    expect(waitingFor).to.equal('worker');
    return task;
  }

  const tasks = () => under.store().tasks;
  const retention = () => under.store().retention;
  const run = () => ({ worker: 'w', incarnation: v4(), token: v4() });
  const page = { limit: 10, newestFirst: true };
  /** `most`: keys and documents together; 2,335 documents are there to be looked at by mistake. */
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
    ['backlog', 900, () => tasks().backlog(10_000)],
    ['expire', 10, () => tasks().expire(10)],
    ['endedWithin', 60, () => tasks().endedWithin(60_000)],
    ['endedWithin, long ago', 4_100, () => tasks().endedWithin(Date.now() - PAST.getTime() + 60_000)],
    ['list by end', 60, () => tasks().listEnded({ finishedAfter: new Date() }, page)],
    ['purge of what is old', 50, () => retention().purge({ state: 'completed', endedBefore: new Date(), limit: 20 })],
    ['resources in use', 1_600, () => under.store().resources.inUse(10)],
    ['resources in use, another page', 1_600, () => under.store().resources.inUse(10, 'r15')],
    ['token by hash', 5, () => under.store().tokens.byHash('hash-7')],
    ['token by name', 5, () => under.store().tokens.byName('name-7')],
    ['any token', 5, () => under.store().tokens.any()],
    ['tokens', 30, () => under.store().tokens.list(10, 'id-30')],
    ['audit trail', 30, () => under.store().trail.list({}, 10)],
    ['audit trail of one', 30, () => under.store().trail.list({ who: ['rare'] }, 10)],
    ['audit trail of one target', 10, () => under.store().trail.list({ target: ['t7'] }, 10)],
    ['audit trail of one operation', 30, () => under.store().trail.list({ operation: ['purgeTasks'], outcome: ['done'] }, 10)],
    ['purge of nothing', 10, () => retention().purge({ state: 'failed', endedBefore: new Date(), limit: 20 })],
    ['expireResults', 110, () => retention().expireResults({ endedBefore: new Date(), limit: 50 })],
    ['purge of members', 120, () => retention().purge({ state: 'skipped', endedBefore: new Date(), limit: 50 })],
    ['removeEmptyGroups', 60, () => retention().removeEmptyGroups(new Date(Date.now() + 60_000), 10)],
    ['readyFor worker', 120, () => tasks().readyFor('worker', 0, 50)],
    ['readyFor resources', 120, () => tasks().readyFor('resources', 0, 50)],
    ['range', 50, () => tasks().range(waiting[0]!.seq, 20)],
    ['byNumbers', 20, () => tasks().byNumbers([waiting[0]!.seq, waiting[50]!.seq, 1_000_000])],
    ['holders', 220, () => tasks().holders(0, 1_000)], // the first page looks at what runs, too
    ['holders, another page', 100, () => tasks().holders(1, 1_000)],
    ['holderFences', 60, () => tasks().holderFences(0, 1_000)],
    ['waitingNumbers', 30, () => tasks().waitingNumbers(0, 20)],
    ['countInLines', 250, () => tasks().countInLines(1_000_000, 1_000)],
    ['waitingForResources', 50, () => tasks().waitingForResources(0, 20)],
    ['line', 40, () => tasks().line('r3', 20)],
    ['line of a name beneath patterns', 40, () => tasks().line('tree/3/a/b/c', 20)],
    ['line of a pattern', 60, () => tasks().line('tree/**', 20)],
    ['line of what is counted', 60, () => tasks().line('gpu-3', 20)],
    ['list by what is counted', 80, () => tasks().list({ resource: ['gpu-3'] }, page)],
    ['capacities', 5, () => under.store().capacities.of(['gpu-1', 'gpu-2'])],
    ['byIds', 20, () => tasks().byIds(waiting.slice(0, 5).map(task => task.id))],
    ['insert', 10, () => acceptOne(under.store(), newTask({ idempotency: { principal: 'p', key: v4(), bodyHash: 'h' } }))],
    ['byIdempotencyKey', 5, () => tasks().byIdempotencyKey('p', 'none')],
    ['get', 5, () => tasks().get(waiting[0]!.id)],
    ['list', 50, () => tasks().list({}, page)],
    ['list by name', 50, () => tasks().list({ name: ['repository.sync'] }, page)],
    ['list by state', 80, () => tasks().list({ state: ['running', 'canceling'] }, page)],
    ['list by tag', 50, () => tasks().list({ tag: ['old'] }, page)],
    ['list by resource', 80, () => tasks().list({ resource: ['r3'] }, page)],
    ['rates.buckets', 5, () => under.store().rates.buckets(['k', 'none'])],
    ['rates.standing', 30, () => under.store().rates.standing('k', 1_000_000, 1_000)],
    ['list by schedule', 20, () => tasks().list({ schedule: [v7()] }, page)],
    ['list by parent', 20, () => tasks().list({ parent: [v7()] }, page)],
    ['list by correlation id', 50, () => tasks().list({ correlationId: ['request-1'] }, page)],
    ['awaiting', 10, () => under.store().waits.awaiting(0, 100)],
    ['awaited', 10, () => under.store().waits.awaited([waiting[0]!.id])],
    ['failWaiting', 10, () => under.store().waits.failWaiting(waiting[0]!.id, 1, { code: 'X', message: 'm' })],
    ['cancel', 10, () => tasks().cancel(waiting[90]!.id, 'ann', 'user')],
    ['remove', 10, () => tasks().remove(waiting[90]!.id)],
    ['processes.forget', 5, () => under.store().processes.forget(0, 10)],
    ['earliestLapseMs', 20, () => under.store().processes.earliestLapseMs()],
    ['processes.list', 20, () => under.store().processes.list()],
    ['runsOf', 20, () => tasks().runsOf(v7(), new Date(0), 10)],
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
    [
      'grant beneath a pattern',
      60,
      async () => {
        const task = await acceptOne(under.store(), reserving(['tree/3/a/b/c']));
        expect((await under.store().grants.grant(lease, [task])).kind).to.equal('conflict');
      },
    ],
    [
      'grant of a pattern',
      60,
      async () => {
        const task = await acceptOne(under.store(), reserving(['tree/**']));
        expect((await under.store().grants.grant(lease, [task])).kind).to.equal('conflict');
      },
    ],
    [
      'grant of units',
      60,
      async () => {
        const counted = [{ name: 'gpu-3', units: 999, capacity: 1_000 }];
        const task = await acceptOne(under.store(), newTask({ counted, waitingFor: 'resources' }));
        expect((await under.store().grants.grant(lease, [task])).kind).to.equal('conflict');
      },
    ],
    ['unbind', 20, () => under.store().grants.unbind(lease, ['w'], { queue: 'default', name: 'repository.sync' })],
    [
      'unbind (of nobody)',
      160,
      () => under.store().grants.unbind(lease, ['w'], { queue: 'default', name: 'repository.sync', to: 'w', unbound: true }),
    ],
  ];
  for (const [name, most, ask] of queries) {
    it(`${name} finds what it needs by an index`, async () => {
      const { plans, examined } = await profiled(under.db(), ask);
      expect(plans.length, 'plans in the profile').to.be.greaterThan(0);
      expect(plans.join('; ')).not.to.include('COLLSCAN');
      expect(examined, plans.join('; ')).to.be.at.most(most);
    });
  }
});
