import { expect } from 'chai';
import { v4 } from 'uuid';
import { until } from '../../support/wait.js';
import { accept, acceptOne, granted, lead, newTask, startAll, WORKER, type StoreUnderTest } from './support.js';

const PAST = new Date(Date.UTC(2020, 0));
const FUTURE = new Date(Date.UTC(2100, 0));

export function startContract(under: StoreUnderTest): void {
  describe('claiming and starting', () => {
    beforeEach(() => under.clear());

    const claim = (change: object = {}) =>
      under.store().tasks.claimable({ queues: ['default'], worker: WORKER.worker, limit: 10, ...change });

    it('offers the best by priority, then number, of the asked queues only', async () => {
      const [a, b, c] = await accept(under.store(), newTask(), newTask({ priority: 9 }), newTask({ queue: 'slow' }));
      const [d] = await accept(under.store(), newTask());
      expect((await claim()).map(task => task.id)).to.deep.equal([b!.id, a!.id, d!.id]);
      expect((await claim({ limit: 1 })).map(task => task.id)).to.deep.equal([b!.id]);
      expect((await claim({ queues: ['default', 'slow'] })).map(task => task.id)).to.deep.equal([b!.id, a!.id, c!.id, d!.id]);
      expect(await claim({ queues: [] })).to.deep.equal([]);
    });

    it('offers nothing that is expired', async () => {
      const [, fresh] = await accept(under.store(), newTask({ expiresAt: PAST }), newTask({ expiresAt: FUTURE }));
      expect((await claim()).map(task => task.id)).to.deep.equal([fresh!.id]);
    });

    it('offers a bound task to its worker alone, whatever queues it reads', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [task] = await accept(store, newTask({ waitingFor: 'resources', exclusive: ['r'], queue: 'other' }));
      await store.grants.grant(lease, [{ ...task!, worker: 'worker@b' }]);
      expect(await claim({ queues: ['other'] })).to.deep.equal([]);
      const own = await claim({ queues: [], worker: 'worker@b' });
      expect(own.map(each => each.id)).to.deep.equal([task!.id]);
      expect(await store.tasks.claimable({ queues: ['other'], limit: 10 })).to.deep.equal([]);
    });

    it('moves a task to running with attempt, run and times of the server', async () => {
      const task = await acceptOne(under.store(), newTask());
      const run = { worker: '$worker', incarnation: '$$NOW', token: '$state' };
      expect(await under.store().tasks.start([{ id: task.id, attempt: 0, fence: 0 }], run)).to.deep.equal(new Set([task.id]));
      const now = await under.store().tasks.get(task.id);
      expect(now).to.include({ state: 'running', attempt: 1 }).and.not.to.have.property('waitingFor');
      expect(now?.run).to.deep.equal({ ...run, at: now?.startedAt });
      expect(now!.startedAt!.getTime()).to.be.at.least(task.createdAt.getTime());
    });

    it('recognises a start that had landed, also when it is canceling, until it has ended', async () => {
      const { tasks } = under.store();
      const [a, b] = await accept(under.store(), newTask(), newTask());
      const token = await startAll(under.store(), [a!, b!]);
      await tasks.cancel(b!.id, 'ann', 'user');
      const starts = [a!, b!].map(({ id }) => ({ id, attempt: 0, fence: 0 }));
      const before = await tasks.get(a!.id);
      expect(await tasks.start(starts, { ...WORKER, token })).to.deep.equal(new Set([a!.id, b!.id]));
      expect(await tasks.get(a!.id), 'started once').to.deep.equal(before);
      await tasks.finish([{ id: a!.id, token, outcome: { kind: 'completed', result: 1 } }]);
      expect(await tasks.start(starts, { ...WORKER, token })).to.deep.equal(new Set([b!.id]));
    });

    it('refuses a late start of an attempt that is over', async () => {
      const store = under.store();
      const [task] = await granted(
        store,
        await lead(store),
        newTask({ waitingFor: 'resources', exclusive: ['r'], maxAttempts: 2 }),
      );
      const late = [{ id: task!.id, attempt: 0, fence: task!.grant!.fence }];
      const token = await startAll(store, [task!]);
      await store.tasks.finish([{ id: task!.id, token, outcome: { kind: 'requeued', reason: 'worker-lost' } }]);
      expect((await under.other().tasks.start(late, { ...WORKER, token: v4() })).size).to.equal(0);
      expect(await store.tasks.get(task!.id)).to.include({ state: 'waiting', attempt: 1 });
    });

    describe('in one step', () => {
      const startBest = (queues = ['default']) => {
        const run = { worker: '$worker', incarnation: '$$NOW', token: v4() };
        return under.store().tasks.startBest(queues, run);
      };

      it('takes the best by priority, then number, of the asked queues only, as it stands afterwards', async () => {
        const { tasks } = under.store();
        const [a, b, c] = await accept(under.store(), newTask(), newTask({ priority: 9 }), newTask({ queue: 'slow' }));
        const first = await startBest();
        expect(first).to.deep.equal(await tasks.get(b!.id));
        expect(first).to.include({ state: 'running', attempt: 1 }).and.not.to.have.property('waitingFor');
        expect(first!.run).to.deep.include({ worker: '$worker', incarnation: '$$NOW', at: first!.startedAt });
        expect((await startBest())?.id).to.equal(a!.id);
        expect(await startBest()).to.equal(undefined);
        expect((await startBest(['default', 'slow']))?.id).to.equal(c!.id);
        expect(await startBest([])).to.equal(undefined);
      });

      it('takes a granted task with its grant', async () => {
        const store = under.store();
        const [task] = await granted(store, await lead(store), newTask({ waitingFor: 'resources', exclusive: ['r'] }));
        expect(await startBest()).to.deep.include({ id: task!.id, grant: task!.grant });
      });

      it('leaves alone what is bound, even to this worker, and what could not start', async () => {
        const store = under.store();
        const bound = await acceptOne(store, newTask({ waitingFor: 'resources', exclusive: ['r'] }));
        await store.grants.grant(await lead(store), [{ ...bound, worker: '$worker' }]);
        const [expired, canceled] = await accept(
          store,
          newTask({ expiresAt: PAST }),
          newTask(),
          newTask({ waitingFor: 'resources', exclusive: ['q'] }),
          newTask({ waitingFor: 'delay', dueAt: PAST }),
        );
        await store.tasks.cancel(canceled!.id, 'ann', 'user');
        expect(await startBest()).to.equal(undefined);
        expect(await store.tasks.get(expired!.id)).to.deep.equal(expired);
      });

      it('gives each of 20 that ask at once another task', async () => {
        const all = await accept(under.store(), ...Array.from({ length: 20 }, () => newTask()));
        const started = await Promise.all(all.map(() => startBest()));
        expect(started.map(task => task?.id).sort()).to.deep.equal(all.map(task => task.id).sort());
      });
    });

    it('starts nothing when nothing is asked', async () => {
      expect((await under.store().tasks.start([], { ...WORKER, token: v4() })).size).to.equal(0);
    });

    it('starts with the fence of the grant only, and leaves the rest of the batch its start', async () => {
      const store = under.store();
      const tasks = await granted(
        store,
        await lead(store),
        ...['a', 'b', 'c'].map(r => newTask({ waitingFor: 'resources', exclusive: [r] })),
      );
      const starts = tasks.map(({ id, grant }) => ({ id, attempt: 0, fence: grant!.fence }));
      starts[1]!.fence += 1;
      const started = await store.tasks.start(starts, { ...WORKER, token: v4() });
      expect(started).to.deep.equal(new Set([tasks[0]!.id, tasks[2]!.id]));
      expect((await store.tasks.get(tasks[1]!.id))?.state).to.equal('waiting');
    });

    const refusals: [why: string, task: Parameters<typeof newTask>[0], start: { attempt: number; fence: number }][] = [
      ['another attempt', {}, { attempt: 1, fence: 0 }],
      ['a fence where there is no grant', {}, { attempt: 0, fence: 1 }],
      ['a task that waits for resources', { waitingFor: 'resources', exclusive: ['r'] }, { attempt: 0, fence: 0 }],
      ['a delayed task', { waitingFor: 'delay', dueAt: PAST }, { attempt: 0, fence: 0 }],
      ['an expired task', { expiresAt: PAST }, { attempt: 0, fence: 0 }],
    ];
    for (const [why, change, start] of refusals) {
      it(`refuses to start ${why}`, async () => {
        const task = await acceptOne(under.store(), newTask(change));
        const started = await under.store().tasks.start([{ id: task.id, ...start }], { ...WORKER, token: v4() });
        expect(started.size).to.equal(0);
        expect(await under.store().tasks.get(task.id)).to.deep.equal(task);
      });
    }

    it('refuses a running, a final and an unknown task', async () => {
      const { tasks } = under.store();
      const [running, canceled] = await accept(under.store(), newTask(), newTask());
      const token = await startAll(under.store(), [running!]);
      await tasks.cancel(canceled!.id, 'ann', 'user');
      const starts = [running!.id, canceled!.id, v4()].map(id => ({ id, attempt: 0, fence: 0 }));
      expect((await tasks.start(starts, { ...WORKER, token: v4() })).size).to.equal(0);
      expect((await tasks.get(running!.id))?.run?.token).to.equal(token);
    });

    it('refuses a bound task to a stranger and starts it for its worker', async () => {
      const store = under.store();
      const task = await acceptOne(store, newTask({ waitingFor: 'resources', exclusive: ['r'] }));
      await store.grants.grant(await lead(store), [{ ...task, worker: '$worker' }]);
      const { grant } = (await store.tasks.get(task.id))!;
      const starts = [{ id: task.id, attempt: 0, fence: grant!.fence }];
      expect((await store.tasks.start(starts, { ...WORKER, token: v4() })).size).to.equal(0);
      const own = { worker: '$worker', incarnation: 'i', token: v4() };
      expect(await store.tasks.start(starts, own)).to.deep.equal(new Set([task.id]));
    });

    it('lets four workers race for 100 tasks without a double', async () => {
      const tasks = await accept(under.store(), ...Array.from({ length: 100 }, () => newTask()));
      const starts = tasks.map(({ id }) => ({ id, attempt: 0, fence: 0 }));
      const won = await Promise.all(
        [under.store(), under.other(), under.store(), under.other()].map((store, n) =>
          // Different orders, so that the four meet in the middle.
          store.tasks.start(n % 2 ? starts : starts.toReversed(), { worker: `w${n}`, incarnation: `i${n}`, token: v4() }),
        ),
      );
      expect(won.reduce((sum, each) => sum + each.size, 0)).to.equal(100);
      expect(new Set(won.flatMap(each => [...each])).size).to.equal(100);
      for (const [n, ids] of won.entries()) {
        expect((await under.store().tasks.namedBy(`i${n}`)).map(task => task.id).sort()).to.deep.equal([...ids].sort());
      }
    }).timeout(30_000);

    it('names every task of an incarnation, canceling ones too, until they end', async () => {
      const { tasks } = under.store();
      const [a, b] = await accept(under.store(), newTask(), newTask());
      const token = await startAll(under.store(), [a!, b!]);
      await tasks.cancel(a!.id, 'ann', 'user');
      expect((await tasks.namedBy(WORKER.incarnation)).map(task => task.state).sort()).to.deep.equal(['canceling', 'running']);
      expect(await tasks.namedBy('incarnation-b')).to.deep.equal([]);
      await tasks.finish([{ id: a!.id, token, outcome: { kind: 'canceled', reason: 'user' } }]);
      expect((await tasks.namedBy(WORKER.incarnation)).map(task => task.id)).to.deep.equal([b!.id]);
    });

    it('pages through what is active, oldest first', async () => {
      const { tasks } = under.store();
      const all = await accept(under.store(), ...Array.from({ length: 5 }, () => newTask()));
      await startAll(under.store(), all.slice(0, 4));
      await tasks.cancel(all[1]!.id, 'ann', 'user');
      const first = await tasks.active(3);
      const rest = await tasks.active(3, first.at(-1)?.id);
      expect([...first, ...rest].map(task => task.id)).to.deep.equal(all.slice(0, 4).map(task => task.id));
    });

    it('takes reports of the current run only', async () => {
      const { tasks } = under.store();
      const task = await acceptOne(under.store(), newTask());
      const token = await startAll(under.store(), [task]);
      const bar = {
        code: 'sync.download',
        message: '$5 off {$where}',
        done: 1,
        total: null,
        suffix: null,
        state: 'running' as const,
      };
      const latest = { progress: [bar], createdResources: ['/pub/$x'] };
      expect(await tasks.report(task.id, v4(), latest)).to.equal(false);
      expect(await tasks.report(task.id, token, latest)).to.equal(true);
      expect(await tasks.get(task.id)).to.deep.include(latest);
      await tasks.finish([{ id: task.id, token, outcome: { kind: 'completed', result: 1 } }]);
      expect(await tasks.report(task.id, token, { progress: [], createdResources: [] })).to.equal(false);
    });

    it('tells which tasks are ready for how long', async () => {
      const { tasks } = under.store();
      const [a, b] = await accept(under.store(), newTask(), newTask({ waitingFor: 'resources', exclusive: ['r'] }));
      const ready = await until('both are ready for 20 ms', async () => {
        const found = [...(await tasks.readyFor('worker', 20, 5)), ...(await tasks.readyFor('resources', 20, 5))];
        return found.length === 2 ? found : undefined;
      });
      expect(ready.map(task => task.id)).to.deep.equal([a!.id, b!.id]);
      expect(await tasks.readyFor('worker', 3_600_000, 5)).to.deep.equal([]);
    });
  });
}
