import { expect } from 'chai';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { provideServers, type ProvidedServers } from '../../src/servers/servers.js';
import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

/** The real timings: a heartbeat each 5 s, a fence after 20 s, missing after 25 s. The driver looks for a server every 3 s whatever these are. */
const SCALE = 1;
/** How often the server is killed amid what it acknowledges. A restart takes it 10 s. */
const KILLS = Number(process.env.INTERLOCK_TEST_KILLS ?? 4);

describe('a database that is away for a while', function () {
  this.timeout(600_000);
  let servers: ProvidedServers;
  let deployment: Deployment;
  let roles: Role[];

  before(async () => {
    const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
    servers = await provideServers({ directory, need: { mongo: true, amqp: false } });
    deployment = await Deployment.create({
      timingScale: SCALE,
      servers: { mongoUrl: servers.mongoUrl!, amqpUrl: testServers().amqpUrl },
    });
    const { api, manager, beat, workers } = await deployment.startAll([['-n', 'w1', '-c', '2']]);
    roles = [api, manager, beat, ...workers];
  });
  after(async () => {
    if (servers.mongo!.ended() === undefined) servers.mongo!.signal('SIGCONT');
    await deployment.destroy();
    await servers.stop();
  });

  const file = (): string => join(deployment.directory, 'evidence');
  const span = (label: string) => readSpans(file()).find(each => each.label === label);
  const submit = (label: string, ms: number, resource: string): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', exclusive: [resource], kwargs: { file: file(), label, ms } });
  const stillThere = (): Chai.Assertion =>
    expect(
      roles.filter(role => !role.running).map(({ name }) => name),
      'who needed a restart',
    ).to.deep.equal([]);

  /** One that runs when the server freezes, and one that waits for it. */
  async function frozenFor(ms: number): Promise<{ running: TaskView; next: TaskView }> {
    const running = await submit(`running-${ms}`, ms + 4_000, `r-${ms}`);
    await until('it runs', () => span(`running-${ms}`));
    const next = await submit(`next-${ms}`, 50, `r-${ms}`);
    servers.mongo!.signal('SIGSTOP');
    await sleep(ms); // how long the fault lasts
    servers.mongo!.signal('SIGCONT');
    return { running, next };
  }

  function neverTogether(ms: number): void {
    const asked = ['running', 'next'].map(label => ({ label: `${label}-${ms}`, exclusive: ['r'], shared: [] }));
    expect(overlaps(readSpans(file()), asked)).to.deep.equal([]);
  }

  for (const real of [5, 14]) {
    it(`for ${real} s of the real timings disturbs nothing that runs`, async () => {
      const ms = real * 1_000 * SCALE;
      const { running, next } = await frozenFor(ms);
      for (const { id } of [running, next]) expect(await deployment.final(id)).to.include({ state: 'completed', attempt: 1 });
      neverTogether(ms);
      stillThere();
    });
  }

  it('for 18 s of the real timings lets what runs end well or be lost, and nothing run beside it', async () => {
    const ms = 18_000 * SCALE;
    const { running, next } = await frozenFor(ms);
    const ended = await deployment.final(running.id);
    expect(`${ended.state} ${ended.reason}`).to.be.oneOf(['completed null', 'canceled worker-lost']);
    expect(await deployment.final(next.id)).to.include({ state: 'completed', attempt: 1 });
    neverTogether(ms);
    stillThere();
  });

  for (const real of [40]) {
    it(`for ${real} s of the real timings: what ran is dead before that, it is lost, and all goes on by itself`, async () => {
      const ms = real * 1_000 * SCALE;
      const { running, next } = await frozenFor(ms);
      expect(await deployment.final(running.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
      expect(span(`running-${ms}`), 'its body was ended').to.include({ ended: false });
      expect(roles.at(-1)!.output).to.contain('Self-fence');
      expect(await deployment.final(next.id)).to.include({ state: 'completed', attempt: 1 });
      neverTogether(ms);
      stillThere();
      await deployment.healthy();
    });
  }

  it(`and is killed ${KILLS} times amid writes that it acknowledges: all that was accepted is there, and ends`, async () => {
    const accepted = new Map<string, string>();
    let stopped = false;
    let n = 0;
    const client = async (name: string): Promise<void> => {
      while (!stopped) {
        const label = `${name}-${n++}`;
        const body = { name: 'test.evidence', kwargs: { file: file(), label, ms: 1 } };
        const answer = await deployment.request<TaskView>('POST', '/api/v1/tasks', body);
        if (answer.status === 202) accepted.set(answer.body.id, label);
        else await sleep(100);
      }
    };
    const clients = Promise.all(['a', 'b', 'c', 'd'].map(client));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = accepted.size;
      await until('some more are accepted', () => accepted.size >= before + 40, { timeoutMs: 120_000 });
      await servers.mongo!.kill9();
      await servers.mongo!.start();
    }
    stopped = true;
    await clients;
    for (const id of accepted.keys()) {
      const ended = await deployment.final(id, 120_000);
      expect(`${ended.state} ${ended.reason}`, accepted.get(id)).to.be.oneOf(['completed null', 'canceled worker-lost']);
    }
    const starts = new Map<string, number>();
    for (const { label } of readSpans(file())) starts.set(label, (starts.get(label) ?? 0) + 1);
    expect(
      [...starts].filter(([, count]) => count > 1),
      'bodies that ran twice',
    ).to.deep.equal([]);
    stillThere();
    expect(await deployment.cli('audit')).to.include({ code: 0 });
  });
});
