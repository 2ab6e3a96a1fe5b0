import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Deployment, type Role } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

const PRELOAD = pathToFileURL(fileURLToPath(new URL('../support/skewed-clock.mjs', import.meta.url))).href;
const HOUR_MS = 3_600_000;

interface Stored {
  schedule?: { slot: Date };
  createdAt: Date;
  readyAt: Date;
  startedAt: Date;
  finishedAt: Date;
}

/** Leases, slots and delays go by the clock of the database, and what is measured by a monotonic one: a wall clock that is wrong misleads nobody. */
describe('processes whose wall clocks are wrong', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  let roles: Role[];

  const set = (name: string, clock: { offsetMs?: number; rate?: number }): void =>
    writeFileSync(join(deployment.directory, `${name}.clock`), JSON.stringify(clock));
  const start = (role: string, name: string, clock: { offsetMs?: number; rate?: number }, more: string[] = []): Role => {
    set(name, clock);
    const SKEWED_CLOCK_FILE = join(deployment.directory, `${name}.clock`);
    return deployment.start(role, ['-n', name, ...more], { NODE_OPTIONS: `--import=${PRELOAD}`, SKEWED_CLOCK_FILE });
  };

  before(async () => {
    deployment = await Deployment.create({ timingScale: 0.5 }); // a fence after 10 s, so that a busy machine alone loses no worker
    roles = [
      start('api', 'a1', { offsetMs: HOUR_MS }),
      start('resource-manager', 'm1', { rate: 1.05 }),
      start('beat', 'b1', { offsetMs: HOUR_MS }),
      start('beat', 'b2', { offsetMs: -HOUR_MS }),
      start('worker', 'w1', { offsetMs: -HOUR_MS }, ['-c', '2']),
      start('worker', 'w2', { rate: 0.95 }, ['-c', '2']),
    ];
    await deployment.healthy();
  });
  after(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  const slots = (id: string): Promise<Stored[]> =>
    deployment.db.collection<Stored>('tasks').find({ 'schedule.id': id }).sort({ 'schedule.slot': 1 }).toArray();

  it('lose no lease, make no slot early, late or twice, and time nothing backwards, also when the clocks jump', async () => {
    for (const role of roles.filter(({ name }) => name !== 'resource-manager'))
      if (!role.output.includes('The clock of this machine is'))
        expect(role.name, 'who is not told of its clock').to.equal('worker');
    const long = await deployment.submit({
      name: 'test.evidence',
      exclusive: ['long'],
      kwargs: { file: file(), label: 'long', ms: 600_000 },
    });
    await until('the long task has begun', () => readSpans(file()).some(span => span.label === 'long'));
    const processes = (): Promise<unknown[]> => deployment.db.collection('processes').distinct('incarnation', { state: 'live' });
    const before = await processes();
    const kwargs = { file: file(), label: 'slot', ms: 1 };
    const made = await deployment.request<{ id: string }>('POST', '/api/v1/schedules', {
      name: 'each-second',
      interval: 1,
      misfire: 'all',
      task: { name: 'test.evidence', kwargs },
    });
    expect(made.status).to.equal(201);
    const { id } = made.body;
    const jumps: [name: string, offsetMs: number][] = [
      ['w1', -HOUR_MS - 30_000],
      ['b1', HOUR_MS + 300_000],
      ['a1', -30_000],
      ['m1', 300_000],
      ['w2', 300_000],
      ['b2', 300_000],
    ];
    for (const [name, offsetMs] of jumps) {
      const seen = (await slots(id)).length;
      set(name, { offsetMs });
      const delayed = await deployment.submit({
        name: 'test.evidence',
        countdown: 2,
        kwargs: { ...kwargs, label: `delayed ${name}` },
      });
      await deployment.final(delayed.id);
      const record = await deployment.db.collection<Stored & { _id: string }>('tasks').findOne({ _id: delayed.id });
      expect(record!.startedAt.getTime() - record!.createdAt.getTime(), `a delay of 2 s, ${name}`).to.be.at.least(2_000);
      await until('two more slots have their task', async () => (await slots(id)).length >= seen + 2, { timeoutMs: 60_000 });
    }

    await deployment.request('POST', `/api/v1/schedules/${id}/pause`);
    const found = await until('all slots have run', async () => {
      const all = await slots(id);
      return all.every(task => 'finishedAt' in task) ? all : undefined;
    });
    const times = found.map(({ schedule }) => schedule!.slot.getTime());
    expect(new Set(times.slice(1).map((time, n) => time - times[n]!)), 'every slot once').to.deep.equal(new Set([1_000]));
    for (const { schedule, createdAt } of found)
      expect(createdAt.getTime(), 'not before its slot').to.be.at.least(schedule!.slot.getTime());
    expect(await deployment.task(long.id)).to.include({ state: 'running', attempt: 1 });
    expect((await processes()).sort(), 'nobody was declared missing or came back').to.deep.equal(before.sort());
    await deployment.request('POST', `/api/v1/tasks/${long.id}/cancel`, {});
    await deployment.final(long.id);
    const audit = await deployment.cli('audit');
    expect(audit, 'no record times anything backwards').to.include({ code: 0 });
  });
});
