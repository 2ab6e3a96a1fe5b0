import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { testServers } from '../support/servers.js';
import { Backlog } from './backlog.js';

const TASKS = 100_000;
const HOUR_MS = 3_600_000;

describe(`a backlog of ${TASKS} tasks`, function () {
  this.timeout(2 * HOUR_MS);
  let deployment: Deployment;
  let backlog: Backlog;

  before(async () => {
    deployment = await Deployment.create({ taskModules: [join(TEST_TASKS, 'basic.ts')] });
    const plan = { tasks: TASKS, resources: 100, slots: 8, timeoutMs: HOUR_MS };
    backlog = await Backlog.open(deployment, plan, testServers(), line => process.stdout.write(`    ${line}\n`));
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
