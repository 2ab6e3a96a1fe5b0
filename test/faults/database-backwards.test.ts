import { expect } from 'chai';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Diagnosis } from '../../src/doctor/doctor.js';
import { provideServers, type ProvidedServers } from '../../src/servers/servers.js';
import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

const WENT_BACKWARDS = 'went backwards (number ';

describe('files of the database that are put back by hand under running roles', function () {
  this.timeout(600_000);
  let servers: ProvidedServers;
  let deployment: Deployment;
  let roles: Role[];
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'interlock-backwards-'));
    const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
    const dataDirectory = join(folder, 'data');
    servers = await provideServers({ directory, dataDirectory, need: { mongo: true, amqp: false } });
    deployment = await Deployment.create({ servers: { mongoUrl: servers.mongoUrl!, amqpUrl: testServers().amqpUrl } });
    const { api, manager, beat, workers } = await deployment.startAll([['-n', 'w1', '-c', '2']]);
    roles = [api, manager, beat, ...workers];
  });
  after(async () => {
    await deployment.destroy();
    await servers.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', exclusive: ['r'], kwargs: { file: file(), label, ms: 10 } });
  const begun = (): string[] => readSpans(file()).map(({ label }) => label);
  const asked = (label: string) =>
    deployment.request('POST', '/api/v1/tasks', { name: 'test.evidence', kwargs: { file: file(), label, ms: 10 } });

  /** As somebody does it who knows no `interlock restore`: the server is stopped, its folder exchanged, and started again. */
  async function exchange(steps: { keepAs: string; putBack?: string }): Promise<void> {
    const data = join(folder, 'data/mongo');
    await servers.mongo!.stop();
    await cp(data, join(folder, steps.keepAs), { recursive: true });
    if (steps.putBack !== undefined) {
      await rm(data, { recursive: true });
      await cp(join(folder, steps.putBack), data, { recursive: true });
    }
    await servers.mongo!.start();
  }

  async function numbers(): Promise<{ seq: number; fence: number }> {
    const counter = await deployment.db.collection<{ n: number }>('counters').findOne({ _id: 'seq' as never });
    const lease = await deployment.db.collection<{ fence: number }>('leases').findOne({ _id: 'resource-manager' as never });
    return { seq: counter!.n, fence: lease!.fence };
  }

  async function findings(): Promise<Diagnosis['findings']> {
    return (JSON.parse((await deployment.cli('doctor', '--json')).stdout) as Diagnosis).findings;
  }

  it('stop all of them: nothing is accepted, granted or started, and the doctor names it; the newer files let them go on', async () => {
    await deployment.final((await submit('first')).id);
    const waiting = await deployment.submit({
      name: 'test.evidence',
      countdown: 2,
      kwargs: { file: file(), label: 'ran once', ms: 10 },
    });
    await exchange({ keepAs: 'older' });
    await deployment.healthy();
    await deployment.final(waiting.id);
    for (let n = 0; n < 5; n++) await deployment.final((await submit(`newer-${n}`)).id);
    const newest = begun();
    expect(newest).to.have.length(7);
    const seen = await numbers();

    await exchange({ keepAs: 'newer', putBack: 'older' });
    const older = await numbers();
    expect(older.seq, 'the older state').to.be.below(seen.seq);
    const answer = await until(
      'the API knows',
      async () => {
        const said = await asked('refused');
        expect(said.status, 'nothing is accepted meanwhile either').to.equal(503);
        return String(said.body.detail).includes(WENT_BACKWARDS) ? said : undefined;
      },
      { timeoutMs: 120_000 },
    );
    expect(answer.body).to.include({ code: 'STORE_UNAVAILABLE' });
    for (const role of roles)
      await until(`the ${role.name} says so`, () => role.output.includes(WENT_BACKWARDS), { timeoutMs: 120_000 });
    for (const role of roles.slice(1))
      await until(`the ${role.name} has left`, () => role.output.includes('Could not register again'), { timeoutMs: 120_000 });
    const told = (await findings()).find(({ fault }) => fault === 'database-backwards');
    expect(told?.evidence).to.include(WENT_BACKWARDS);
    const newcomer = await deployment.cli('resource-manager');
    expect(newcomer.stderr, 'a restart clears nothing').to.include(WENT_BACKWARDS);
    expect(begun(), 'nothing ran a second time').to.deep.equal(newest);
    expect(await numbers(), 'nothing was given out').to.deep.equal(older);

    await exchange({ keepAs: 'spoilt', putBack: 'newer' });
    await deployment.healthy();
    const after = await submit('after');
    expect(await deployment.final(after.id)).to.include({ state: 'completed' });
    expect(begun()).to.deep.equal([...newest, 'after']);
    expect(roles.filter(({ running }) => !running)).to.deep.equal([]);
  });

  /** Also where the roles' drivers refuse the server, since its election is older than the last that they knew. */
  it('are made good by a backup and a restore of what is there: numbers and fences go on above all that were seen', async () => {
    const seen = await numbers();
    await exchange({ keepAs: 'newer-still', putBack: 'older' });
    const marked = async (): Promise<boolean> => (await findings()).some(({ fault }) => fault === 'database-backwards');
    await until('a role has left its mark', marked, { timeoutMs: 120_000 });
    expect((await asked('refused')).status).to.equal(503);
    await deployment.stopAll();
    // These files are of an older election than this process knew, whose driver therefore refuses the server: two more, and it is a newer one.
    for (let n = 0; n < 2; n++) await servers.mongo!.restart();
    const backup = join(folder, 'backup');
    expect((await deployment.cli('backup', backup)).code).to.equal(0);
    const restored = await deployment.cli('restore', backup, '--replace');
    expect(restored.code, restored.stderr).to.equal(0);
    const now = await numbers();
    expect(now.seq).to.be.above(seen.seq);
    expect(now.fence).to.be.above(seen.fence);
    await deployment.startAll([['-n', 'w1', '-c', '2']]);
    expect(await deployment.final((await submit('restored')).id)).to.include({ state: 'completed' });
    expect(
      begun().filter(label => label === 'ran once'),
      'nothing ran a second time',
    ).to.have.length(1);
    expect((await findings()).map(({ fault }) => fault)).to.not.include('database-backwards');
  });
});
