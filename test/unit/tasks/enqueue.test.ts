import { expect } from 'chai';

import type { JsonObject } from '../../../src/core/json.js';
import { currentTask, currentWorker } from '../../../src/tasks/current.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import type { TaskDefinition } from '../../../src/tasks/definition.js';
import { enqueueWithReservation, installRegistry, installSubmitter } from '../../../src/tasks/enqueue.js';
import { Progress, closedBars } from '../../../src/tasks/progress.js';
import { Registry } from '../../../src/tasks/registry.js';
import { getUrl, resourcesOf } from '../../../src/tasks/resources.js';
import { runTask } from '../../../src/tasks/run-task.js';

const rejection = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    (): never => expect.fail('it did not reject'),
    (thrown: unknown) => thrown as Error,
  );

describe('enqueueWithReservation', () => {
  const bodies: JsonObject[] = [];
  const sync = defineTask({ name: 'sync', handler: () => null });

  before(() => {
    installRegistry(Registry.of(sync));
    installSubmitter(body => Promise.resolve({ id: `id-${bodies.push(body)}` }));
  });
  afterEach(() => bodies.splice(0));

  it('submits a definition or a name with resources, input and options', async () => {
    const eta = new Date('2026-01-01T00:00:00Z');
    expect(await enqueueWithReservation(sync, ['a', { href: '/b' }], [], { x: 1 }, { queue: 'q', eta })).to.deep.equal({
      id: 'id-1',
    });
    await enqueueWithReservation('other', { shared: ['s'] }, [1, 2]);
    expect(bodies).to.deep.equal([
      { name: 'sync', kwargs: { x: 1 }, exclusive: ['a', '/b'], queue: 'q', eta: '2026-01-01T00:00:00.000Z' },
      { name: 'other', args: [1, 2], kwargs: {}, shared: ['s'] },
    ]);
  });

  it('refuses a function that no module exports, what is no task, no resource, or not JSON', async () => {
    const unknown = (): void => undefined;
    expect(await rejection(enqueueWithReservation(unknown, [])))
      .to.be.instanceOf(TypeError)
      .with.property('message')
      .that.contains('unknown');
    expect(await rejection(enqueueWithReservation(7 as never, []))).to.be.instanceOf(TypeError);
    expect(await rejection(enqueueWithReservation('x', [7 as never]))).to.be.instanceOf(TypeError);
    expect(await rejection(enqueueWithReservation('x', [], [1n]))).to.be.instanceOf(TypeError);
    expect(bodies).to.deep.equal([]);
  });

  it('goes through the current task, as its child, inside one', async () => {
    const inside: JsonObject[] = [];
    const parent = defineTask({
      name: 'parent',
      handler: async (_input, ctx) => ({ ...(await enqueueWithReservation('child', ['r'])), parent: ctx.id }),
    });
    const submit = (body: JsonObject): Promise<{ id: string }> => Promise.resolve({ id: `inside-${inside.push(body)}` });
    const done = await runTask(parent, {}, { submit });
    expect(done.id).to.equal('inside-1');
    expect(inside).to.deep.equal([{ parent: done.parent, name: 'child', kwargs: {}, exclusive: ['r'] }]);
    expect(bodies).to.deep.equal([]);
  });
});

describe('The current task', () => {
  it('is known to whatever a body calls, however late, and nowhere else', async () => {
    const seen = defineTask({
      name: 'seen',
      handler: async () => {
        await new Promise(resolve => process.nextTick(resolve));
        return `${currentTask().name} on ${currentWorker()}`;
      },
    });
    expect(await runTask(seen, {}, { worker: 'w' })).to.equal('seen on w');
    expect(() => currentTask()).to.throw('outside a task');
  });
});

describe('A resource', () => {
  it('is a string or has an href', () => {
    expect(getUrl('a')).to.equal('a');
    expect(getUrl({ href: '/api/v1/b' })).to.equal('/api/v1/b');
    for (const wrong of [7, null, undefined, {}, { href: 7 }, () => undefined, 1n, Symbol('s'), Object.create(null)]) {
      expect(() => getUrl(wrong)).to.throw(TypeError, 'A resource is a string');
    }
  });

  it('may be computed from the input; the caller may add to that', () => {
    const definition = defineTask({
      name: 'x',
      resources: input => ({ exclusive: [`repository:${input.name as string}`], shared: ['settings'] }),
      handler: () => null,
    });
    expect(resourcesOf(definition, { name: 'a' }, { exclusive: ['more'] })).to.deep.equal({
      exclusive: ['more', 'repository:a'],
      shared: ['settings'],
    });
    const broken: TaskDefinition = defineTask({ name: 'y', resources: () => ({ exclusive: [7 as never] }), handler: () => null });
    expect(() => resourcesOf(broken, {}, {})).to.throw('the resources of "y" cannot be computed');
  });
});

describe('runTask', () => {
  it('shows what a body reported, and rejects with what it throws', async () => {
    const progress = new Progress(() => undefined);
    const work = defineTask({
      name: 'work',
      handler: (input, ctx) => {
        const bar = ctx.progress('working', { total: 3 });
        bar.increment();
        ctx.createdResource('/x');
        if (input.fail === true) throw new RangeError('as asked');
        bar.set(3);
        bar.end();
        return 'done';
      },
    });
    expect(await runTask(work, {}, { progress })).to.equal('done');
    expect(progress.bars[0]).to.include({ done: 3, total: 3, state: 'completed' });
    expect(progress.created).to.deep.equal(['/x']);
    expect(await rejection(runTask(work, { fail: true }))).to.be.instanceOf(RangeError);
  });
});

describe('Progress', () => {
  it('refuses what is no number, too many bars and too much that was created', () => {
    const progress = new Progress(() => undefined);
    expect(() => progress.open('x', { total: Number.NaN })).to.throw(TypeError);
    expect(() => progress.open('x').increment(Infinity)).to.throw(TypeError);
    expect(() => progress.create('')).to.throw(TypeError);
    expect(() => {
      for (;;) progress.open('more');
    }).to.throw(RangeError);
    expect(() => {
      for (;;) progress.create('x'.repeat(2_000));
    }).to.throw(RangeError);
    expect(progress.bars).to.have.length(100);
  });

  it('drops what comes after the end, and closes open bars with the end of the task', () => {
    let changes = 0;
    const progress = new Progress(() => (changes += 1));
    const bar = progress.open('a');
    progress.open('b').end();
    progress.close();
    bar.increment();
    expect([changes, progress.bars[0]!.done]).to.deep.equal([3, 0]);
    expect(closedBars(progress.bars, 'canceled').map(({ state }) => state)).to.deep.equal(['canceled', 'completed']);
  });
});
