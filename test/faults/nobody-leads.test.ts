import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { overlaps, overtakings, readSpans, type Asked } from '../support/evidence.js';
import { until } from '../support/wait.js';

const HOUR_S = 3_600;
/** Longer than the grace in which a late slot is no misfire. */
const LATE_MS = 120_000;

describe('a deployment without any beat and any resource manager', function () {
  this.timeout(300_000);
  let deployment: Deployment;
  const asked: Asked[] = [];
  before(async () => {
    // Nobody may fence itself here: at a fifth of the real timings a busy machine is enough for that.
    deployment = await Deployment.create({ timingScale: 0.5 });
  });
  after(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  function submit(label: string, exclusive: string[], ms: number, more: Record<string, unknown> = {}): Promise<TaskView> {
    asked.push({ label, exclusive, shared: [] });
    return deployment.submit({ name: 'test.evidence', exclusive, kwargs: { file: file(), label, ms }, ...more });
  }
  const begun = (label: string): Promise<unknown> =>
    until(`${label} has begun`, () => readSpans(file()).some(span => span.label === label), { timeoutMs: 60_000 });
  const stateOf = async ({ id }: TaskView): Promise<string> => {
    const { state, waitingFor } = await deployment.task(id);
    return waitingFor ?? state;
  };

  /** Its last slot was two minutes ago, and the two hours before that were missed as well. */
  async function scheduleWithMissedSlots(misfire: string, last: Date): Promise<string> {
    const nextAt = new Date(last.getTime() - 2 * HOUR_S * 1_000);
    const created = await deployment.request<{ id: string }>('POST', '/api/v1/schedules', {
      name: `hourly-${misfire}`,
      interval: HOUR_S,
      anchor: nextAt.toISOString(), // no slot is before it
      misfire,
      task: { name: 'test.evidence', kwargs: { file: `${file()} of slots`, label: misfire, ms: 1 } },
    });
    expect(created.status).to.equal(201);
    await deployment.db.collection<{ _id: string }>('schedules').updateOne({ _id: created.body.id }, { $set: { nextAt } });
    return created.body.id;
  }
  const slotsOf = async (id: string): Promise<number[]> => {
    const tasks = deployment.db.collection<{ schedule: { slot: Date } }>('tasks').find({ 'schedule.id': id });
    return (await tasks.toArray()).map(({ schedule }) => schedule.slot.getTime()).sort((a, b) => a - b);
  };
  const holderOf = async (lease: string): Promise<string> =>
    (await deployment.db.collection<{ _id: string; holder: string }>('leases').findOne({ _id: lease }))!.holder;

  it('accepts and runs what needs neither; when they return all ends, in order, with missed slots by their policy', async () => {
    const { api, manager, beat, workers } = await deployment.startAll([
      ['-n', 'w1', '-c', '3'],
      ['-n', 'w2', '-c', '3'],
    ]);
    const before = await submit('before', ['r'], 600_000, { name: 'test.again' });
    await begun('before');
    await Promise.all([manager.kill('SIGKILL'), beat.kill('SIGKILL')]);

    const last = new Date(Date.now() - LATE_MS);
    const schedules = await Promise.all(['one', 'all', 'skip'].map(misfire => scheduleWithMissedSlots(misfire, last)));
    const plain = [await submit('plain-0', [], 20), await submit('plain-1', [], 20)];
    const reserved = [await submit('r-0', ['r'], 20), await submit('q-0', ['q'], 20), await submit('r-1', ['r', 'q'], 20)];
    const delayed = await submit('delayed', [], 20, { countdown: 1 });
    for (const task of plain) expect(await deployment.final(task.id)).to.include({ state: 'completed' });
    const { worker } = await deployment.task(before.id);
    await workers.find(each => each.output.includes(`Ready: ${worker} has`))!.kill('SIGKILL');
    const survivors: Role[] = [api, ...workers.filter(each => each.running)];
    const lapsed = { _id: worker!, $expr: { $lt: ['$leaseUntil', '$$NOW'] } } as object;
    await until('the lease of the killed worker has lapsed', () => deployment.db.collection('processes').countDocuments(lapsed));
    for (const task of reserved) expect(await stateOf(task)).to.equal('resources');
    expect(await stateOf(delayed)).to.equal('delay');
    expect(await stateOf(before), 'nobody has seen that it is lost').to.equal('running');
    expect((await Promise.all(schedules.map(slotsOf))).flat()).to.deep.equal([]);

    const returned = new Map<string, Role>();
    for (const role of ['resource-manager', 'beat'])
      for (const name of [`${role}-a`, `${role}-b`]) returned.set(name, deployment.start(role, ['-n', name]));
    await until('its task runs again', () => readSpans(file()).some(span => span.label === 'before' && span.attempt === 2), {
      timeoutMs: 90_000,
    });
    expect((await deployment.request('POST', `/api/v1/tasks/${before.id}/cancel`, {})).status).to.equal(202);
    expect(await deployment.final(before.id)).to.include({ state: 'canceled', reason: 'user', attempt: 2 });
    for (const task of [...reserved, delayed]) expect(await deployment.final(task.id)).to.include({ state: 'completed' });
    const [one, all, skip] = schedules as [string, string, string];
    const hours = (n: number): number => last.getTime() - n * HOUR_S * 1_000;
    await until('missed slots are made up', async () => (await slotsOf(all)).length === 3 && (await slotsOf(one)).length === 1);
    expect(await slotsOf(one)).to.deep.equal([hours(0)]);
    expect(await slotsOf(all)).to.deep.equal([hours(2), hours(1), hours(0)]);
    expect(await slotsOf(skip)).to.deep.equal([]);

    for (const lease of ['resource-manager', 'beat']) {
      const holder = await holderOf(lease);
      const spare = [...returned].find(([name, role]) => name.startsWith(lease) && name !== holder && role.running)!;
      await until(`${spare[0]} stands by`, () => spare[1].output.includes(`Hot spare: another process leads as ${lease}`));
      await returned.get(holder)!.kill('SIGKILL');
      const warning = `Failover occurred: ${spare[0]} is now the leading ${lease}`;
      await until(`${spare[0]} takes over and says so`, () => spare[1].output.includes(warning), { timeoutMs: 60_000 });
      expect(await holderOf(lease)).to.equal(spare[0]);
    }
    const after = await submit('after', ['r'], 20, { countdown: 1 });
    expect(await deployment.final(after.id)).to.include({ state: 'completed' });
    for (const role of survivors) expect(role.running, `${role.name} needed no restart`).to.equal(true);
    expect(overlaps(readSpans(file()), asked)).to.deep.equal([]);
    expect(
      overtakings(
        readSpans(file()),
        asked.filter(({ label }) => !['delayed', 'after'].includes(label)),
      ),
    ).to.deep.equal([]);
  });
});
