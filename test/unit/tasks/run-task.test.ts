import { expect } from 'chai';

import { InterlockError } from '../../../src/core/errors.js';
import type { JsonObject } from '../../../src/core/json.js';
import { SoftTimeLimit, TaskAborted } from '../../../src/tasks/context.js';
import { currentTask } from '../../../src/tasks/current.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { runTask } from '../../../src/tasks/run-task.js';

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it resolved'),
    (error: unknown) => error,
  );
}

const child = defineTask({ name: 'child', handler: () => null });

describe('runTask', () => {
  it('keeps what the task spawns, as its child', async () => {
    const parent = defineTask({
      name: 'parent',
      handler: async (_input, ctx) => (await ctx.spawn(child, { n: 1 }, { queue: 'q' })).id,
    });
    const spawned: JsonObject[] = [];
    const id = await runTask(parent, {}, { spawned, id: 'me' });
    expect(id).to.be.a('string').and.not.equal('');
    expect(spawned).to.deep.equal([{ name: 'child', kwargs: { n: 1 }, queue: 'q', parent: 'me' }]);
    expect(await rejection(runTask(parent, {})))
      .to.have.property('message')
      .that.contains('`spawned: []`');
  });

  it('gives what the context of a worker gives: attempt, fence, dependencies, and a folder that is gone afterwards', async () => {
    const looks = defineTask({
      name: 'looks',
      resources: () => ({ exclusive: ['Cafe\u0301'] }),
      handler: async (_input, ctx) => ({
        attempt: ctx.attempt,
        worker: ctx.worker,
        fence: ctx.fence('Caf\u00e9'),
        more: ctx.fence('more'),
        before: await ctx.dependencies(),
      }),
    });
    const options = { attempt: 2, fence: 7, worker: 'w', shared: ['more'], dependencies: { a: { id: 'x', result: 3 } } };
    expect(await runTask(looks, {}, options)).to.deep.equal({
      ...{ attempt: 2, worker: 'w', fence: 7, more: 7 },
      before: { a: { id: 'x', state: 'completed', result: 3 } },
    });
    const other = defineTask({ name: 'other', handler: (_input, ctx) => ctx.fence('nobody') });
    expect(await rejection(runTask(other, {})))
      .to.have.property('message')
      .that.contains('does not reserve');
  });

  it('sleeps without time passing, until its signal aborts', async () => {
    const sleeps = defineTask({
      name: 'sleeps',
      async handler(_input, ctx) {
        for (let n = 0; ; n++) {
          try {
            await ctx.sleep(86_400);
          } catch (error) {
            return { n, soft: error instanceof SoftTimeLimit, aborted: error instanceof TaskAborted };
          }
          if (n === 2) controller.abort(reason);
        }
      },
    });
    let controller = new AbortController();
    let reason: unknown = new SoftTimeLimit(1_000);
    expect(await runTask(sleeps, {}, { signal: controller.signal })).to.deep.equal({ n: 3, soft: true, aborted: false });
    [controller, reason] = [new AbortController(), new TaskAborted('user')];
    expect(await runTask(sleeps, {}, { signal: controller.signal })).to.deep.equal({ n: 3, soft: false, aborted: true });
    const wrong = defineTask({ name: 'wrong', handler: (_input, ctx) => ctx.sleep(-1) });
    expect(await rejection(runTask(wrong, {}))).to.be.instanceOf(RangeError);
  });

  it('refuses a bad input, and a result that could not be stored', async () => {
    const strict = defineTask({ name: 'strict', input: { type: 'object', required: ['a'] }, handler: input => input });
    const refused = await rejection(runTask(strict, {} as never));
    expect(refused).to.be.instanceOf(InterlockError).and.include({ code: 'VALIDATION_FAILED' });
    const large = defineTask({ name: 'large', handler: () => 'x'.repeat(1_048_577) });
    expect(await rejection(runTask(large, {})))
      .to.be.instanceOf(TypeError)
      .and.include({ code: 'RESULT_TOO_LARGE' });
    const dates = defineTask({ name: 'dates', handler: () => ({ at: new Date(0), gone: undefined }) });
    expect(await runTask(dates, {})).to.deep.equal({ at: '1970-01-01T00:00:00.000Z' });
  });

  it('runs a plain function with its arguments, as the current task', async () => {
    function add(x: number, y: number): string {
      return `${x + y} at start ${currentTask().attempt}`;
    }
    expect(await runTask(add, [1, 2], { attempt: 3 })).to.equal('3 at start 3');
  });
});
