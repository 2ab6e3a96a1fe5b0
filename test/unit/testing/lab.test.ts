import { expect } from 'chai';

import { chain, chord, group, step } from '../../../src/client/flow.js';
import { InterlockError } from '../../../src/core/errors.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { createLab } from '../../../src/testing/testing.js';
import { all, fails, note, rejection, sum, sync, trace } from './support.js';

describe('A lab', () => {
  beforeEach(() => trace.splice(0));

  it('runs nothing before it is told to, and then all that can be', async () => {
    const lab = createLab({ ...all, start: '2026-05-01T00:00:00Z' });
    const { id, state } = await lab.submit(note, { text: 'hello' });
    expect([state, trace]).to.deep.equal(['waiting', []]);
    expect(await lab.result(id)).to.equal('hello');
    const task = lab.task(id);
    expect(task).to.include({ state: 'completed', name: 'note', worker: 'worker@lab', createdAt: '2026-05-01T00:00:00.000Z' });
    expect(task.attempts).to.have.length(1);
  });

  it('lets conflicting tasks run one after the other in the order of their coming, and others beside them', async () => {
    const lab = createLab(all);
    const first = await lab.submit(sync, { repository: 'a' });
    const second = await lab.submit(sync, { repository: 'a' });
    const other = await lab.submit(sync, { repository: 'b' });
    await lab.settle();
    expect([first, second, other].map(({ id }) => lab.task(id).state)).to.deep.equal(['running', 'waiting', 'running']);
    expect(lab.task(second).waitingFor).to.equal('resources');
    expect((await lab.explain(second)).text).to.contain(`task ${first.id} holds on worker@lab`);
    await lab.advance('2m');
    expect(trace).to.deep.equal(['begin a', 'begin b', 'end a', 'end b', 'begin a', 'end a']);
    expect(lab.task(second).startedAt).to.equal('2026-01-01T00:01:00.000Z');
    const [one, two] = [await lab.result<{ fence: number }>(first), await lab.result<{ fence: number }>(second)];
    expect(two.fence).to.be.greaterThan(one.fence);
  });

  it('starts what is worth more first, and does what is due at its very time', async () => {
    const lab = createLab({ ...all, slots: 1 });
    for (const priority of [2, 9, 4]) await lab.submit(note, { text: `p${priority}` }, { priority });
    await lab.settle();
    expect(trace).to.deep.equal(['p9', 'p4', 'p2']);
    const delayed = await lab.submit(note, { text: 'delayed' }, { countdown: 3_600 });
    const expiring = await lab.submit(note, { text: 'never' }, { countdown: 7_200, expires: 7_300 });
    await lab.advance('59m');
    expect(lab.task(delayed)).to.include({ state: 'waiting', waitingFor: 'delay' });
    await lab.advance('1m');
    expect(lab.task(delayed)).to.include({ state: 'completed', startedAt: '2026-01-01T01:00:00.000Z' });
    await lab.advance('2h', { beat: false });
    expect(lab.task(expiring)).to.include({ state: 'canceled', reason: 'expired' });
    expect(trace).not.to.include('never');
  });

  it('ages those who wait', async () => {
    const hour = defineTask({ name: 'hour', handler: (_input, ctx) => ctx.sleep(3_600) });
    const lab = createLab({ tasks: [hour, note], slots: 1 });
    await lab.submit(hour, {});
    await lab.submit(note, { text: 'old' }, { priority: 4 });
    await lab.advance('16m');
    await lab.submit(note, { text: 'young' }, { priority: 5 });
    await lab.submit(note, { text: 'urgent' }, { priority: 9 });
    await lab.advance('1h');
    expect(trace).to.deep.equal(['urgent', 'old', 'young']);
  });

  it('tries again as the policy says, with the longest delay that jitter allows', async () => {
    const lab = createLab(all);
    const task = await lab.submit(fails, {}, { maxAttempts: 3, retry: { delay: 10 } });
    await lab.settle();
    expect(lab.task(task)).to.include({ state: 'waiting', waitingFor: 'retry', dueAt: '2026-01-01T00:00:10.000Z' });
    await lab.advance(10);
    expect(lab.task(task)).to.include({ attempt: 2, dueAt: '2026-01-01T00:00:30.000Z' });
    await lab.advance(20);
    expect(lab.task(task)).to.deep.include({ state: 'failed', attempt: 3 });
    expect(lab.task(task).error).to.include({ code: 'PLANNED', message: 'as planned' });
    const ends = await Promise.all(
      ['for good', 'later', 'skips'].map(how => lab.submit(fails, { how }, { maxAttempts: 2, retry: { delay: 1 } })),
    );
    await lab.settle();
    expect(ends.map(end => lab.task(end).state)).to.deep.equal(['failed', 'waiting', 'skipped']);
    await lab.advance(30);
    expect(lab.task(ends[1]!)).to.include({ state: 'failed', attempt: 2 });
  });

  it('runs workflows on the rules of the product', async () => {
    const lab = createLab(all);
    const flow = await lab.run(chord([step(note, { text: 1 }), step(note, { text: 2 })], step(sum, {}, { as: 'sum' })), {
      name: 'add',
    });
    expect(lab.task(flow.members.sum!)).to.include({ waitingFor: 'dependencies', group: flow.id, node: 'sum' });
    expect(await lab.result(flow.members.sum!)).to.equal(3);
    expect(await lab.group(flow)).to.deep.equal({ counts: { completed: 3 }, total: 3, done: 3 });
    const vain = await lab.run(
      chain(
        group(step(fails, {}, { as: 'bad' }), step(note, { text: 'x' }, { as: 'good' })),
        group(
          step(sum, {}, { as: 'all' }),
          step(sum, {}, { as: 'any', join: 'any-success' }),
          step(sum, {}, { as: 'final', join: 'all-final' }),
        ),
      ),
    );
    await lab.settle();
    const ends = Object.fromEntries(Object.entries(vain.members).map(([node, { id }]) => [node, lab.task(id).state]));
    expect(ends).to.deep.equal({ bad: 'failed', good: 'completed', all: 'skipped', any: 'completed', final: 'completed' });
    expect(lab.task(vain.members.all!).reason).to.equal('dependency-failed');
  });

  it('creates the task of every slot, and judges missed ones by the policy', async () => {
    for (const [misfire, made] of [
      ['one', 1],
      ['all', 3],
      ['skip', 0],
    ] as const) {
      const lab = createLab(all);
      const schedule = await lab.schedule({
        ...{ name: 'hourly', misfire, interval: 'PT1H', anchor: '2026-01-01T00:30:00Z' },
        task: step(note, { text: 'tick' }),
      });
      await lab.advance('2h');
      expect(
        lab.tasks({ schedule: schedule.id }).map(task => task.schedule?.slot),
        misfire,
      ).to.deep.equal(['2026-01-01T00:30:00.000Z', '2026-01-01T01:30:00.000Z']);
      await lab.advance('3h', { beat: false });
      expect(lab.tasks({ schedule: schedule.id }), misfire).to.have.length(2 + made);
    }
  });

  it('refuses what the API refuses, with pointers into what was given', async () => {
    const lab = createLab(all);
    const bad = await rejection(lab.submit('sync', { repository: 7 }));
    expect([bad.code, bad.errors[0]?.pointer]).to.deep.equal(['VALIDATION_FAILED', '/kwargs/repository']);
    const unknown = await rejection(lab.submit('snyc', {}));
    expect([unknown.code, unknown.message.includes('did you mean "sync"?')]).to.deep.equal(['UNKNOWN_TASK_TYPE', true]);
    const option = await rejection(lab.submit(note, {}, { prioritty: 1 } as never));
    expect(option.errors[0]?.pointer).to.equal('/prioritty');
    const node = await rejection(lab.run(chain(step(note, {}), step('sync', {}, { as: 'b' }))));
    expect(node.errors[0]?.pointer).to.equal('/tasks/b/kwargs/repository');
    const slot = await rejection(lab.schedule({ name: 'x', interval: 0.5, task: { name: 'note' } }));
    expect(slot.errors[0]?.pointer).to.equal('/interval');
    const body = await rejection(lab.schedule({ name: 'x', interval: 60, task: step('sync', {}) }));
    expect(body.errors[0]?.pointer).to.equal('/task/kwargs/repository');
    expect(lab.tasks()).to.deep.equal([]);
  });

  it('knows unique keys and idempotency keys', async () => {
    const lab = createLab(all);
    const unique = { key: 'mine' } as const;
    const [first, second] = [await lab.submit(note, {}, { unique }), await lab.submit(note, {}, { unique })];
    expect(second.id).to.equal(first.id);
    const rejected = lab.submit(note, {}, { unique: { ...unique, onConflict: 'reject' } });
    expect(await rejection(rejected)).to.include({ code: 'CONFLICT' });
    await lab.settle();
    expect((await lab.submit(note, {}, { unique })).id).not.to.equal(first.id);
    const key = { idempotencyKey: 'k' };
    const [once, again] = [await lab.submit(note, { text: 'a' }, key), await lab.submit(note, { text: 'a' }, key)];
    expect(again.id).to.equal(once.id);
    expect(await rejection(lab.submit(note, { text: 'b' }, key))).to.include({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('gives spawned tasks their family and what their type reserves', async () => {
    const parent = defineTask({
      name: 'parent',
      handler: async (_input, ctx) => (await ctx.spawn(sync, { repository: 'a' }, { countdown: 60 })).id,
    });
    const lab = createLab({ tasks: [parent, sync] });
    const { id } = await lab.submit(parent, {}, { priority: 7 });
    const child = lab.task(await lab.result<string>(id));
    expect(child).to.deep.include({ parent: id, root: id, priority: 7, exclusive: ['repository:a'], waitingFor: 'delay' });
    await lab.cancel(id, { tree: true });
    expect(lab.task(child)).to.include({ state: 'canceled', reason: 'user' });
  });

  it('does the same for the same program: ids, order, everything', async () => {
    const program = async (): Promise<unknown> => {
      trace.splice(0);
      const lab = createLab(all);
      await Promise.all(['a', 'b', 'a', 'c'].map(name => lab.submit(sync, { repository: name })));
      await lab.submit(fails, {}, { maxAttempts: 3, retry: { delay: 1 } });
      await lab.advance('10m');
      return { trace: [...trace], tasks: lab.tasks() };
    };
    expect(await program()).to.deep.equal(await program());
  });

  it('takes whole modules, and functions by themselves', async () => {
    const calculator = { add: (x: number, y: number) => x + y };
    const lab = createLab({ modules: { calculator } });
    const { id } = await lab.submit('calculator.add', {}, { args: [1, 2] });
    expect(await lab.result(id)).to.equal(3);
  });

  it('refuses options and times that mean nothing', async () => {
    expect(() => createLab({ slots: 0 })).to.throw(RangeError);
    expect(() => createLab({ start: 'soon' })).to.throw(RangeError, 'soon');
    const lab = createLab(all);
    for (const wrong of ['soon', -1, '']) expect(await rejection(lab.advance(wrong)), String(wrong)).to.be.instanceOf(RangeError);
    expect(await rejection(lab.advanceTo('2025-01-01T00:00:00Z'))).to.be.instanceOf(RangeError);
    await lab.advanceTo('2026-02-01T00:00:00Z');
    expect(lab.now.toISOString()).to.equal('2026-02-01T00:00:00.000Z');
    expect(() => lab.task('nobody')).to.throw(InterlockError, 'nobody');
  });
});
