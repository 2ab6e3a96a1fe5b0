import { expect } from 'chai';
import { Type } from 'typebox';

import { ChildFailed } from '../../../src/tasks/child-task.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { runTask } from '../../../src/tasks/run-task.js';

const double = defineTask({
  name: 'double',
  input: Type.Object({ n: Type.Number() }),
  handler: ({ n }) => 2 * n,
});
const sum = defineTask({
  name: 'sum',
  input: Type.Object({ ns: Type.Array(Type.Number()) }),
  async handler({ ns }, ctx) {
    const children = await Promise.all(ns.map(n => ctx.spawn(double, { n })));
    const results = await Promise.all(children.map(child => child.result()));
    return results.reduce((total, each) => total + each, 0);
  },
});
const twice = defineTask({
  name: 'twice',
  input: Type.Object({ n: Type.Number() }),
  handler: ({ n }, ctx) => ctx.call(double, { n }),
});

describe('the children of a task in a unit test', () => {
  it('return what the test says, each for its own input', async () => {
    const asked: unknown[] = [];
    const children = (name: string, { n }: { n?: unknown }): number => (asked.push([name, n]), 10 * Number(n));
    expect(await runTask(sum, { ns: [1, 2] }, { children })).to.equal(30);
    expect(asked).to.deep.equal([
      ['double', 1],
      ['double', 2],
    ]);
  });

  it('may be run for real', async () => {
    expect(await runTask(twice, { n: 4 }, { children: (_, input) => runTask(double, input as { n: number }) })).to.equal(8);
  });

  it('fail with what the test throws', async () => {
    const children = (): never => {
      throw Object.assign(new Error('no'), { code: 'NOT_TODAY' });
    };
    const failed = await runTask(twice, { n: 1 }, { children }).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(ChildFailed);
    const { code, task, reason, error, message } = failed as ChildFailed;
    expect({ code, name: task.name, state: task.state, reason, error: error?.code }).to.deep.equal({
      ...{ code: 'CHILD_FAILED', name: 'double', state: 'failed' },
      ...{ reason: undefined, error: 'NOT_TODAY' },
    });
    expect(message).to.equal(`The task ${task.id} (double) is failed: NOT_TODAY: no`);
  });

  it('are waited for no longer than a signal allows', async () => {
    const impatient = defineTask({
      name: 'impatient',
      input: Type.Object({}),
      handler: (_, ctx) => ctx.call(double, { n: 1 }, { signal: AbortSignal.timeout(1) }),
    });
    const late = await runTask(impatient, {}, { children: () => new Promise(() => undefined) }).catch((error: unknown) => error);
    expect(late).to.be.instanceOf(DOMException).and.have.property('name', 'TimeoutError');
  });

  it('are missed where the test says nothing of them', async () => {
    const said = await runTask(twice, { n: 1 }).catch((error: unknown) => String(error));
    expect(said).to.contain('spawn other tasks');
    const halfSaid = await runTask(twice, { n: 1 }, { submit: () => Promise.resolve({ id: 'x' }) }).catch((error: unknown) =>
      String(error),
    );
    expect(halfSaid).to.contain('await other tasks');
  });
});
