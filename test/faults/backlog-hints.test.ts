import { expect } from 'chai';
import { join } from 'node:path';

import { Backlog } from '../cluster/backlog.js';
import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { testServers } from '../support/servers.js';

/** The same with 100,000: `npm run test:cluster -- --only backlog`. */
const TASKS = 1_000;

describe(`a backlog of ${TASKS} tasks`, function () {
  this.timeout(400_000);
  let deployment: Deployment;
  let backlog: Backlog;

  before(async () => {
    deployment = await Deployment.create({ timingScale: 0.5, taskModules: [join(TEST_TASKS, 'basic.ts')] });
    const plan = { tasks: TASKS, resources: 20, slots: 4, timeoutMs: 300_000 };
    backlog = await Backlog.open(deployment, plan, testServers());
  });
  after(async () => {
    await backlog.close();
    await deployment.destroy();
  });

  it('never has more than two messages for each task that could run', async () => {
    await backlog.run();
    expect(backlog.floods).to.deep.equal([]);
    const starts = await deployment.db.collection('tasks').distinct('attempt', { state: 'completed' });
    expect(starts, 'each ran once').to.deep.equal([1]);
  });
});
