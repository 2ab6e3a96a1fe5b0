import { expect } from 'chai';
import { join } from 'node:path';

import {
  chain,
  createClient,
  group,
  InterlockError,
  step,
  type Flow,
  type SubmitOptions,
  type TaskView,
} from '../../src/index.js';
import { createLab } from '../../src/testing/testing.js';
import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { until } from '../support/wait.js';
import * as likeness from '../support/tasks/likeness.js';

type Options = SubmitOptions & { args?: number[]; idempotencyKey?: string; parent?: string };

/** Where the program runs: a lab, or a deployment. */
interface Place {
  submit(name: string, kwargs?: object, options?: Options): Promise<string>;
  run(flow: Flow): Promise<Record<string, string>>;
  cancel(id: string): Promise<unknown>;
  task(id: string): Promise<TaskView>;
  running(id: string): Promise<unknown>;
  ended(ids: readonly string[]): Promise<unknown>;
}

const SLOTS = 12;
const OPEN = ['waiting', 'running', 'canceling'];

function inLab(): Place {
  const lab = createLab({ modules: { likeness }, slots: SLOTS });
  return {
    submit: async (name, kwargs, options) => (await lab.submit(name, { ...kwargs }, options)).id,
    run: async flow => idsOf((await lab.run(flow)).members),
    cancel: id => lab.cancel(id),
    task: id => Promise.resolve(lab.task(id)),
    async running(id) {
      await lab.settle();
      expect(lab.task(id).state).to.equal('running');
    },
    async ended(ids) {
      for (let n = 0; n < 100 && ids.some(id => OPEN.includes(lab.task(id).state)); n++) await lab.advance(1);
    },
  };
}

function inDeployment(deployment: Deployment): Place {
  const client = createClient({ url: deployment.url });
  return {
    submit: async (name, kwargs, options) => (await client.enqueue(name, { ...kwargs }, options)).id,
    run: async flow => idsOf((await client.run(flow)).members),
    cancel: id => client.cancel(id),
    task: id => client.get(id),
    running: id => until('it runs', async () => (await client.get(id)).state === 'running'),
    ended: ids => Promise.all(ids.map(id => deployment.final(id))),
  };
}

function idsOf(members: Readonly<Record<string, { id: string }>>): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([node, { id }]) => [node, id]));
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof InterlockError ? [error.code, error.errors.map(({ pointer, reason }) => [pointer, reason])] : error;
}

/** What a user would write: nothing in it knows where it runs. Gives everything that came of it, by the names that are used here. */
async function program(place: Place): Promise<Told & { refused: object }> {
  const ids: Record<string, string> = {};
  const submit = async (label: string, name: string, kwargs: object = {}, options: Options = {}) =>
    (ids[label] = await place.submit(name, kwargs, options));

  const holder = await submit('holder', 'like.hold', { resource: 'r', seconds: 5 }, { priority: 1 });
  await place.running(holder);
  await submit('second in line', 'like.hold', { resource: 'r', seconds: 0 });
  await submit('third, though urgent', 'like.hold', { resource: 'r', seconds: 0 }, { priority: 9 });
  await submit('beside them', 'like.hold', { resource: 'other', seconds: 0 }, { shared: ['more'], tags: ['a', 'b', 'a'] });
  await submit('expires in line', 'like.hold', { resource: 'r', seconds: 0 }, { expires: 1 });
  const waits = await submit('canceled in line', 'like.hold', { resource: 'r', seconds: 0 });
  await place.cancel(waits);

  await submit('delayed', 'likeness.add', {}, { args: [1, 2], countdown: 'PT0.5S' });
  await submit('impossible', 'likeness.impossible');
  for (const how of ['plain', 'fatal', 'skip', 'range', 'later']) await submit(how, 'like.fail', { how, until: 3 });
  await submit('hopeless', 'like.fail', { how: 'plain', until: 9 }, { maxAttempts: 2 });

  await submit('reports', 'like.report', { seconds: 0 });
  await submit('soft limit', 'like.report', { seconds: 60 }, { softTimeLimit: 0.5 });
  await submit('hard limit', 'like.report', { seconds: 60 }, { timeLimit: 0.5 });
  await submit('stalls', 'like.report', { seconds: 60 }, { stallAfter: 0.5, maxAttempts: 2, retry: { delay: 0 } });
  const runs = await submit('canceled at work', 'like.report', { seconds: 60 });
  const family = await submit('family', 'like.family', {}, { priority: 7 });
  await submit('unique', 'like.hold', { resource: 'u', seconds: 5 }, { unique: { key: 'u' } });
  await submit('the same', 'like.hold', { resource: 'u', seconds: 2 }, { unique: { key: 'u' } });

  const flow = chain(
    // One after the other, in the order of acceptance: else it would be chance how far the bad one is when the good one lets `any` begin.
    group(
      step('like.fail', { how: 'fatal', until: 9 }, { as: 'bad', exclusive: ['pair'] }),
      step('likeness.add', {}, { as: 'good', args: [2, 3], exclusive: ['pair'] }),
    ),
    group(
      step('like.gather', {}, { as: 'all' }),
      step('like.gather', {}, { as: 'any', join: 'any-success' }),
      step('like.gather', {}, { as: 'final', join: 'all-final', exclusive: ['r'] }),
    ),
  );
  const members = await place.run(flow);
  for (const [node, id] of Object.entries(members)) ids[`flow ${node}`] = id;

  await place.running(runs);
  await place.cancel(runs);
  await place.ended(Object.values(ids));
  ids.child = (await place.task(family)).result as string;
  await place.ended([ids.child]);

  const refused = {
    input: await refusal(place.submit('like.hold', { resource: 7 })),
    type: await refusal(place.submit('like.hodl')),
    option: await refusal(place.submit('like.gather', {}, { prioritty: 1 } as never)),
    retry: await refusal(place.submit('like.gather', {}, { maxAttempts: 1, retry: { delay: 1 } })),
    times: await refusal(place.submit('like.gather', {}, { countdown: 10, expires: 5 })),
    resource: await refusal(place.submit('like.gather', {}, { exclusive: ['a\u0000'] })),
    flow: await refusal(place.run(chain(step('like.gather'), step('like.hold', {}, { as: 'b' })))),
    unique: await refusal(place.submit('like.gather', {}, { unique: { key: '' } })),
    final: await refusal(place.cancel(holder)),
  };
  return { refused, ...(await told(place, ids)) };
}

interface Told {
  tasks: Record<string, object>;
  /** Who had the contested resource, in order. */
  line: string[];
}

/** Everything that does not depend on clocks and made-up ids. */
async function told(place: Place, ids: Record<string, string>): Promise<Told> {
  const views = Object.entries(ids);
  const tasks = await Promise.all(views.map(async ([label, id]) => [label, await place.task(id)] as const));
  const line = tasks.filter(([, { exclusive, startedAt }]) => exclusive.includes('r') && startedAt !== null);
  line.sort(([, a], [, b]) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? -1 : 1));
  const known = (id: string | null): string | null => views.find(([, each]) => each === id)?.[0] ?? id;
  const plain = ([label, task]: readonly [string, TaskView]): [string, object] => [
    label,
    {
      ...task,
      ...{ id: null, href: null, createdAt: null, readyAt: null, finishedAt: null, dueAt: null, correlationId: null },
      ...{
        worker: task.worker !== null,
        startedAt: task.startedAt !== null,
        expiresAt: task.expiresAt !== null,
        group: task.group !== null,
      },
      error: task.error && [task.error.code, task.error.message, task.error.traceback !== null],
      result: known(task.result as string),
      parent: known(task.parent),
      root: known(task.root),
      after: task.after?.map(({ node, id }) => [node, known(id)]) ?? null,
      attempts: task.attempts.map(({ n, reason, error }) => [n, reason, error?.code ?? null]),
    },
  ];
  return { tasks: Object.fromEntries(tasks.map(plain)), line: line.map(([label]) => label) };
}

describe('A lab and a deployment', function () {
  this.timeout(240_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.create({ timingScale: 1, taskModules: [join(TEST_TASKS, 'likeness.ts')] });
    await deployment.startAll([['-n', 'w1', '-c', String(SLOTS)]]);
  });
  after(() => deployment.destroy());

  it('make the same of the same program', async () => {
    const [lab, real] = [await program(inLab()), await program(inDeployment(deployment))];
    expect(lab.refused).to.deep.equal(real.refused);
    expect(lab.line).to.deep.equal(real.line);
    expect(Object.keys(lab.tasks)).to.have.members(Object.keys(real.tasks));
    for (const [label, task] of Object.entries(lab.tasks)) expect(task, label).to.deep.equal(real.tasks[label]);
  });
});
