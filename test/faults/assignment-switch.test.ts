import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

type Setting = Record<'INTERLOCK_ASSIGNMENT' | 'INTERLOCK_WORKERS_ON_MISSING', string>;

const SETTINGS = {
  late: { INTERLOCK_ASSIGNMENT: 'late', INTERLOCK_WORKERS_ON_MISSING: 'reassign' },
  eager: { INTERLOCK_ASSIGNMENT: 'eager', INTERLOCK_WORKERS_ON_MISSING: 'cancelAssigned' },
} satisfies Record<string, Setting>;

/** A setting and a restart, with tasks that run, that are granted and not started, and that wait for them. */
describe('assignment, switched by a restart', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  const file = (): string => join(deployment.directory, 'evidence');
  beforeEach(async () => {
    deployment = await Deployment.create();
  });
  afterEach(() => deployment.destroy());

  async function startAll(setting: Setting, workers: string[]): Promise<void> {
    for (const role of ['api', 'resource-manager', 'beat']) deployment.start(role, [], setting);
    for (const name of workers) deployment.start('worker', ['-n', name, '-c', '1'], setting);
    await deployment.healthy();
    await until('all workers live', async () => (await live()) === workers.length, { timeoutMs: 60_000 });
  }
  const live = (): Promise<number> => deployment.db.collection('processes').countDocuments({ role: 'worker', state: 'live' });
  const submit = (label: string, resource: string, ms: number): Promise<TaskView> =>
    deployment.submit({ name: 'test.again', exclusive: [resource], kwargs: { file: file(), label, ms } });

  for (const [from, to] of [
    ['eager', 'late'],
    ['late', 'eager'],
  ] as const) {
    it(`from ${from} to ${to}: nothing is lost, nothing overlaps`, async () => {
      await startAll(SETTINGS[from], ['w1', 'w2']);
      const tasks: [string, TaskView][] = [];
      for (const resource of ['r1', 'r2', 'r3', 'r4', 'r1', 'r2'])
        tasks.push([resource, await submit(`t${tasks.length}`, resource, tasks.length < 2 ? 60_000 : 200)]);
      await until(
        'two run, and two are granted and wait',
        async () => {
          const waiting = await deployment.db
            .collection('tasks')
            .countDocuments({ waitingFor: 'worker', grant: { $exists: true } });
          return waiting >= 2 && readSpans(file()).length >= 2;
        },
        { timeoutMs: 60_000 },
      );
      const bound = await deployment.db
        .collection('tasks')
        .countDocuments({ waitingFor: 'worker', 'grant.worker': { $exists: true } });
      expect(bound > 0).to.equal(from === 'eager');
      await deployment.stopAll();
      const open = await deployment.db.collection('tasks').countDocuments({ state: 'waiting' });
      expect(open, 'what runs is queued again, what waits still waits').to.equal(tasks.length);
      // The long ones are short when they run again; the workers that they were bound to are no more.
      await shorten();
      await startAll(SETTINGS[to], ['w3', 'w4']);
      const more = await submit('more', 'r1', 50);
      for (const [, { id }] of [...tasks, ['r1', more] as const])
        expect(await deployment.final(id, 120_000), id).to.include({ state: 'completed', error: null });
      const asked = [
        ...tasks.map(([resource], n) => ({ label: `t${n}`, exclusive: [resource], shared: [] })),
        { label: 'more', exclusive: ['r1'], shared: [] },
      ];
      expect(overlaps(readSpans(file()), asked)).to.deep.equal([]);
    });
  }

  async function shorten(): Promise<void> {
    const tasks = deployment.db.collection<{ _id: string; kwargs: string }>('tasks');
    for (const { _id, kwargs } of await tasks.find({ state: 'waiting' }).toArray())
      await tasks.updateOne({ _id }, { $set: { kwargs: kwargs.replace('"ms":60000', '"ms":200') } });
  }
});
