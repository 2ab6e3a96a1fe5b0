import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { TcpProxy, type ProxyMode } from '../support/tcp-proxy.js';
import { until } from '../support/wait.js';

describe('processes that are asked to stop', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let mongo: TcpProxy;
  let amqp: TcpProxy;
  let roles: Role[];
  let task: TaskView;

  beforeEach(async () => {
    deployment = await Deployment.create({ timingScale: 0.5 });
    const { INTERLOCK_MONGO_URL: mongoUrl, INTERLOCK_AMQP_URL: amqpUrl } = deployment.env as Record<string, string>;
    mongo = await TcpProxy.before(mongoUrl!, 27_017, { disguised: true });
    amqp = await TcpProxy.before(amqpUrl!, 5_672);
    const env = { INTERLOCK_MONGO_URL: mongo.url(mongoUrl!), INTERLOCK_AMQP_URL: amqp.url(amqpUrl!) };
    roles = ['api', 'resource-manager', 'beat'].map(role => deployment.start(role, [], env));
    roles.push(deployment.start('worker', ['-n', 'w1', '-c', '1'], env));
    await deployment.healthy();
    const file = join(deployment.directory, 'evidence');
    task = await deployment.submit({ name: 'test.evidence', kwargs: { file, label: 'running', ms: 600_000 } });
    await until('the body has begun', () => readSpans(file).length > 0);
  });
  afterEach(async () => {
    for (const proxy of [mongo, amqp]) proxy.set('pass');
    await deployment.destroy();
    await Promise.all([mongo.close(), amqp.close()]);
  });

  /** By the signal alone; Node says nothing of how long, and nothing here kills them. */
  async function allEnd(): Promise<void> {
    for (const role of roles) role.child.kill('SIGTERM');
    await until('all have ended', () => roles.every(role => !role.running), { timeoutMs: 60_000 });
  }
  const recorded = () => deployment.db.collection<{ _id: string }>('tasks').findOne({ _id: task.id });

  for (const [what, mode] of [
    ['has fallen silent', 'blackhole'],
    ['takes no connection', 'reset'],
  ] satisfies [string, ProxyMode][]) {
    it(`end in order while the broker ${what}, and what ran is recorded as canceled`, async () => {
      amqp.set(mode);
      await allEnd();
      expect(roles.map(role => [role.name, role.child.exitCode])).to.deep.equal(roles.map(role => [role.name, 0]));
      expect(await recorded()).to.include({ state: 'canceled', reason: 'worker-shutdown' });
    });

    it(`end while the database ${what}, with nothing left running`, async () => {
      const { pid } = readSpans(join(deployment.directory, 'evidence'))[0]!;
      mongo.set(mode);
      await allEnd();
      expect(roles.map(role => [role.name, role.child.signalCode])).to.deep.equal(roles.map(role => [role.name, null]));
      expect(() => process.kill(pid, 0), 'the child').to.throw('ESRCH');
      expect(await recorded()).to.include({ state: 'running' });
    });
  }
});
