import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type Role } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

const TASKS = 30;
const RESOURCES = 3;

/** As somebody does who copies the settings of a deployment, and changes the database alone. */
describe('two deployments with databases of their own, at one vhost under one prefix', function () {
  this.timeout(300_000);
  let deployments: Deployment[] = [];
  /** How much each had said when all were there: a beat that is there first misses the others. */
  const roles = new Map<Role, number>();

  before(async () => {
    const first = await Deployment.create();
    deployments = [first];
    const prefix = first.env.INTERLOCK_AMQP_PREFIX ?? '';
    deployments.push(await Deployment.create({ env: { INTERLOCK_AMQP_PREFIX: prefix } }));
    for (const each of deployments) {
      // Of one name, so that also the queue of the worker is one for both.
      const { api, manager, beat, workers } = await each.startAll([['-n', 'w1', '-c', '2']]);
      for (const role of [api, manager, beat, ...workers]) roles.set(role, role.output.length);
    }
  });
  after(async () => {
    for (const each of deployments.toReversed()) await each.destroy();
  });

  const file = (deployment: Deployment): string => join(deployment.directory, 'evidence');
  const metric = async (deployment: Deployment, line: RegExp): Promise<number> => {
    const text = await (await fetch(`${deployment.url}/metrics`)).text();
    return text
      .split('\n')
      .filter(each => line.test(each))
      .reduce((sum, each) => sum + Number(each.slice(each.lastIndexOf(' ') + 1)), 0);
  };

  it('end each task exactly once, where it was accepted, and count the hints of the other', async () => {
    const submitted = await Promise.all(
      deployments.map(async deployment => {
        const tasks: string[] = [];
        for (let n = 0; n < TASKS; n += 1) {
          // Some wait for a resource of the same name as in the other one, some for nothing.
          const exclusive = n % 2 === 0 ? [`r${n % RESOURCES}`] : [];
          const kwargs = { file: file(deployment), label: `t${n}`, ms: 20 };
          tasks.push((await deployment.submit({ name: 'test.evidence', exclusive, kwargs })).id);
        }
        return { deployment, tasks };
      }),
    );
    for (const { deployment, tasks } of submitted)
      for (const id of tasks) expect(await deployment.final(id, 180_000)).to.include({ state: 'completed', attempt: 1 });

    const labels = Array.from({ length: TASKS }, (_, n) => `t${n}`);
    for (const { deployment, tasks } of submitted) {
      const spans = readSpans(file(deployment)); // throws when one began twice
      expect(spans.map(span => span.label)).to.have.members(labels);
      expect(await deployment.db.collection('tasks').countDocuments({ state: 'completed' })).to.equal(tasks.length);
    }
    await until(
      'a hint of the other one to be counted',
      async () => {
        const counts = await Promise.all(deployments.map(each => metric(each, /^interlock_hints_stale_total\{.*task="unknown"/)));
        return counts.some(count => count > 0);
      },
      { timeoutMs: 60_000 },
    );
    const errors = [...roles].flatMap(([{ output }, from]) =>
      output
        .slice(from)
        .split('\n')
        .filter(line => line.includes('"level":"error"')),
    );
    expect(errors).to.deep.equal([]);
  });
});
