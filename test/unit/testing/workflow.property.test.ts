import { expect } from 'chai';
import fc from 'fast-check';

import { chain, group, step, workflowBody, type Flow } from '../../../src/client/flow.js';
import { JOINS, judgeJoin, type Join } from '../../../src/core/join.js';
import type { State } from '../../../src/core/state.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { Skip } from '../../../src/tasks/verdicts.js';
import { createLab } from '../../../src/testing/testing.js';

const ENDS = ['completed', 'failed', 'skipped'] as const;

/** Ends as it is told, after some time. */
const ends = defineTask({
  name: 'ends',
  async handler({ end, seconds }, ctx) {
    await ctx.sleep(Number(seconds));
    if (end === 'failed') throw new Error('as planned');
    if (end === 'skipped') throw new Skip('as planned');
    return null;
  },
});

const leaf = fc
  .record({
    end: fc.constantFrom(...ENDS, 'completed' as const),
    seconds: fc.nat(5),
    join: fc.constantFrom<Join>(...JOINS),
    held: fc.boolean(),
  })
  .map(({ end, seconds, join, held }): Flow => {
    const exclusive = held ? ['shared by some'] : [];
    return step(ends, { end, seconds }, { join, exclusive });
  });
const { flow } = fc.letrec<{ flow: Flow }>(tie => ({
  flow: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    fc.array(tie('flow'), { minLength: 1, maxLength: 4 }).map(flows => chain(...flows)),
    fc.array(tie('flow'), { minLength: 1, maxLength: 4 }).map(flows => group(...flows)),
  ),
}));

/** How each member must end, by the rule of joins alone. */
function expected(tasks: Record<string, { after?: string[]; join?: Join; kwargs: { end: State } }>): Record<string, State> {
  const found: Record<string, State> = {};
  const endOf = (name: string): State => {
    const { after = [], join = 'all-success', kwargs } = tasks[name]!;
    found[name] ??= after.length === 0 || judgeJoin(join, after.map(endOf)) === 'ready' ? kwargs.end : 'skipped';
    return found[name];
  };
  for (const name of Object.keys(tasks)) endOf(name);
  return found;
}

describe('A workflow of any shape in a lab', () => {
  it('ends as the rule of joins says, whatever takes how long', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(flow, fc.integer({ min: 1, max: 3 }), async (shape, slots) => {
        const body = workflowBody(shape, ({ kwargs }) => ({ kwargs }) as never);
        const lab = createLab({ tasks: [ends], slots });
        const { members } = await lab.run(shape);
        await lab.advance('1h');
        const states = Object.fromEntries(Object.entries(members).map(([name, task]) => [name, lab.task(task).state]));
        expect(states).to.deep.equal(expected(body.tasks as never));
        for (const member of Object.values(members)) {
          const task = lab.task(member);
          const ready = (task.after ?? []).map(({ id }) => lab.task(id).finishedAt ?? '');
          // Nobody starts before the first of those that it comes after has ended.
          if (task.startedAt !== null && ready.length > 0) expect(task.startedAt >= ready.sort()[0]!).to.equal(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});
