import { expect } from 'chai';

import { Deployment, type Role } from '../support/deployment.js';
import { seeded } from '../support/random.js';
import { until } from '../support/wait.js';
import { Traffic } from './traffic.js';

/** A fifth of the real timings: a lease lives for 3 s, and is asked for every 0.25 to 0.75 s. */
const LEASE_MS = 3_000;
/** A lapse at the last moment, the next try, a write of the frozen leader that is waited for (2 s), and a busy machine. */
const MARGIN_MS = 12_000;
const FREEZES = 20;

interface LeaseRecord {
  _id: string;
  holder: string;
  epoch: number;
}

describe('the leading process of each kind', function () {
  this.timeout(400_000);
  const seed = Number(process.env.INTERLOCK_TEST_SEED ?? Math.floor(Math.random() * 1e9));
  const random = seeded(seed);
  let deployment: Deployment;
  let traffic: Traffic;
  let roles: Role[] = [];

  beforeEach(async () => {
    deployment = await Deployment.create();
    roles = [deployment.start('api')];
    for (const role of ['resource-manager', 'beat']) roles.push(deployment.start(role), deployment.start(role));
    for (const name of ['w1', 'w2']) roles.push(deployment.start('worker', ['-n', name, '-c', '2']));
    await deployment.healthy();
    traffic = new Traffic(deployment, [deployment.url]);
  });
  afterEach(() => deployment.destroy());

  for (const name of ['resource-manager', 'beat'] as const) {
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      it(`${name}: hands over within the lease time after ${signal}, with a warning, and nothing is lost`, async () => {
        traffic.start();
        await traffic.goesOn(20);
        const before = await lease(name);
        const [leader, spare] = await leaderAndSpare(name);
        const endedAt = performance.now();
        leader.child.kill(signal);
        await until('the spare leads', async () => (await lease(name)).epoch > before.epoch, { timeoutMs: 60_000, everyMs: 50 });
        const tookMs = performance.now() - endedAt;
        expect(tookMs).to.be.lessThan(LEASE_MS + MARGIN_MS);
        process.stdout.write(`      took over after ${(tookMs / 1_000).toFixed(1)} s\n`);
        await until('the warning', () => spare.output.includes('Failover occurred'));
        await traffic.goesOn(20);
        leader.child.kill('SIGCONT');
        await traffic.drained();
        await traffic.judge();
      });
    }
  }

  it(`resource-manager: ${FREEZES} of them frozen while they grant change nothing when they wake (INTERLOCK_TEST_SEED=${seed})`, async () => {
    traffic.start();
    for (let n = 0; n < FREEZES; n++) {
      await traffic.goesOn(1 + random.below(5));
      const before = await lease('resource-manager');
      const [leader] = await leaderAndSpare('resource-manager');
      leader.child.kill('SIGSTOP');
      await until('the spare leads', async () => (await lease('resource-manager')).epoch > before.epoch, { timeoutMs: 60_000 });
      leader.child.kill('SIGCONT');
    }
    await traffic.goesOn(20);
    await traffic.drained();
    await traffic.judge();
    expect(roles.filter(role => !role.running)).to.deep.equal([]);
  });

  async function lease(name: string): Promise<LeaseRecord> {
    return until(`a lease for ${name}`, () => deployment.db.collection<LeaseRecord>('leases').findOne({ _id: name }));
  }

  /** Names end with the pid, unless they were given. */
  async function leaderAndSpare(name: string): Promise<[Role, Role]> {
    const { holder } = await lease(name);
    const both = roles.filter(role => role.name === name);
    const leader = both.find(role => holder.endsWith(`.${role.pid}`));
    const spare = both.find(role => role !== leader);
    if (!leader || !spare) throw new Error(`${holder} is none of ${both.map(role => role.pid).join()}`);
    return [leader, spare];
  }
});
