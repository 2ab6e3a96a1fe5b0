import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { encode, type Hint } from '../../src/core/hint.js';
import { RawAmqp } from '../support/amqp.js';
import { Deployment, freePort, type Role, type TaskView } from '../support/deployment.js';
import { overlaps, overtakings, readSpans, type Asked } from '../support/evidence.js';
import { seeded } from '../support/random.js';
import { until } from '../support/wait.js';

const TASKS = 40;
const RESOURCES = 5;
const COPIES = 3;
const EACH = 100;
const AT_ONCE = 10;

describe('a deployment', function () {
  this.timeout(240_000);
  const seed = Number(process.env.INTERLOCK_TEST_SEED ?? Math.floor(Math.random() * 1e9));
  let deployment: Deployment;
  let roles: Role[];
  /** How much each had said when all were there: a beat that is there first misses the others. */
  let said: Map<Role, number>;
  beforeEach(async () => {
    deployment = await Deployment.create({ timingScale: 0.5 });
    const { api, manager, beat, workers } = await deployment.startAll([['-n', 'w1', '-c', '4']]);
    roles = [api, manager, beat, ...workers];
    said = new Map(roles.map(role => [role, role.output.length]));
  });
  afterEach(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  const bodyOf = ({ label, exclusive }: Asked, ms: number) => ({
    name: 'test.evidence',
    exclusive,
    kwargs: { file: file(), label, ms },
  });
  const wish = (n: number): Asked => ({ label: `t${n}`, exclusive: [`r${n % RESOURCES}`], shared: [] });
  const errors = (): string[] =>
    roles.flatMap(role => {
      const lines = role.output.slice(said.get(role) ?? 0).split('\n');
      return lines.filter(line => line.includes('"level":"error"'));
    });

  it(`starts each task once, however often, late and mixed up its hints come, and heeds none of tasks that are not there (INTERLOCK_TEST_SEED=${seed})`, async () => {
    const random = seeded(seed);
    const prefix = deployment.env.INTERLOCK_AMQP_PREFIX!;
    const asked = Array.from({ length: TASKS }, (_, n) => wish(n));
    const tasks: TaskView[] = [];
    const raw = await RawAmqp.connect(deployment.env.INTERLOCK_AMQP_URL);
    /** Of every task so far, and of some that nobody knows or that are deleted. */
    const storm = async (ids: string[]): Promise<void> => {
      const copies = Array.from({ length: COPIES }, () => [...ids, randomUUID()]).flat();
      await raw.on(async channel => {
        for (const task of random.sample(copies, copies.length)) {
          const hints: [string, Hint][] = [
            ['work.default', { kind: 'start', task }],
            ['worker.w1', { kind: 'start', task }],
            ['resource-manager', { kind: 'changed', tasks: [task] }],
          ];
          for (const [queue, hint] of hints)
            channel.sendToQueue(prefix + queue, Buffer.from(encode(hint)), { contentType: 'application/json' });
        }
        await channel.checkQueue(`${prefix}resource-manager`); // all of it has arrived
      });
    };
    for (const each of asked) {
      tasks.push(await deployment.submit(bodyOf(each, 30)));
      if (tasks.length % 8 === 0) await storm(tasks.map(({ id }) => id));
    }
    for (const { id } of tasks) expect(await deployment.final(id)).to.include({ state: 'completed', attempt: 1 });
    const [purged] = tasks;
    expect((await deployment.request('DELETE', `/api/v1/tasks/${purged!.id}`)).status).to.equal(204);
    await storm(tasks.map(({ id }) => id));
    for (const queue of ['work.default', 'worker.w1', 'resource-manager'])
      await until(`${queue} is empty`, async () => (await raw.depth(prefix + queue))?.messages === 0);
    const last = await deployment.submit(bodyOf(wish(TASKS), 1));
    expect(await deployment.final(last.id)).to.include({ state: 'completed' });
    expect((await raw.depth(`${prefix}interlock.dead`))?.messages, 'all of them were hints').to.equal(0);
    await raw.close();

    const spans = readSpans(file()); // throws when one began twice
    expect(spans.map(span => span.label)).to.have.members([...asked, wish(TASKS)].map(({ label }) => label));
    expect(overlaps(spans, asked)).to.deep.equal([]);
    expect(overtakings(spans, asked)).to.deep.equal([]);
    expect(errors()).to.deep.equal([]);
  });

  it(`runs what two APIs accept in the same moment for one resource one after the other, in order where one was answered before the other was asked`, async () => {
    const port = await freePort();
    roles.push(deployment.start('api', [], { INTERLOCK_API_PORT: String(port) }));
    const urls = [deployment.url, `http://127.0.0.1:${port}`];
    await until('the second API', async () => (await fetch(`${urls[1]}/readyz`)).ok);
    const requests: { asked: Asked; id: string; from: number; to: number }[] = [];
    let next = 0;
    const post = async (url: string): Promise<void> => {
      for (let n; (n = next++) < 2 * EACH;) {
        const asked = wish(n);
        const from = performance.now();
        const answer = await fetch(`${url}/api/v1/tasks`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(bodyOf(asked, 0)),
        });
        expect(answer.status).to.equal(202);
        const { id } = (await answer.json()) as TaskView;
        requests.push({ asked, id, from, to: performance.now() });
      }
    };
    await Promise.all(urls.flatMap(url => Array.from({ length: AT_ONCE }, () => post(url))));
    for (const { id } of requests) expect(await deployment.final(id, 120_000)).to.include({ state: 'completed', attempt: 1 });

    const spans = readSpans(file());
    const all = requests.map(({ asked }) => asked);
    expect(spans.map(span => span.label)).to.have.members(all.map(({ label }) => label));
    expect(overlaps(spans, all)).to.deep.equal([]);
    const begin = new Map(spans.map(span => [span.label, span.begin]));
    const overtaken = requests.flatMap(earlier =>
      requests
        .filter(later => later.from > earlier.to && later.asked.exclusive[0] === earlier.asked.exclusive[0])
        .filter(later => begin.get(later.asked.label)! < begin.get(earlier.asked.label)!)
        .map(later => `${later.asked.label} overtook ${earlier.asked.label}`),
    );
    expect(overtaken).to.deep.equal([]);
    expect(errors()).to.deep.equal([]);
  });
});
