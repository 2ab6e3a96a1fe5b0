import { expect } from 'chai';
import { join } from 'node:path';

import { checkHistory, type BodySpan, type CancelRequest, type Submission } from '../../src/audit/history.js';
import type { Task } from '../../src/core/task.js';
import { openMongoStore } from '../../src/store/mongo/store.js';
import { interlock } from '../support/command.js';
import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { seeded } from '../support/random.js';
import { corruptions } from '../support/tampering.js';
import { until } from '../support/wait.js';

interface Report {
  ok: boolean;
  checked: { tasks: number; attempts: number; grants: number; resources: number };
  findings: { rule: string; tasks: string[]; resource?: string; evidence: string }[];
  omitted: number;
  durationMs: number;
}

const TASKS = 60;
const SEED = Number(process.env.INTERLOCK_TEST_SEED ?? Math.floor(Math.random() * 1e9));

describe(`interlock audit (INTERLOCK_TEST_SEED=${SEED})`, function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let roles: { manager: Role; beat: Role; workers: Role[] };
  const submissions: Submission[] = [];
  const cancels: CancelRequest[] = [];
  const labels = new Map<string, string>();

  before(async () => {
    deployment = await Deployment.create();
    roles = await deployment.startAll([
      ['-n', 'w1', '-c', '3'],
      ['-n', 'w2', '-c', '2'],
    ]);
  });
  after(() => deployment.destroy());

  const audit = async (...args: string[]): Promise<{ code: number | null; report: Report; stderr: string }> => {
    const { code, stdout, stderr } = await deployment.cli('audit', '--json', ...args);
    expect(stdout.trim().split('\n'), `one line; ${stderr}`).to.have.length(1);
    return { code, report: JSON.parse(stdout) as Report, stderr };
  };
  const records = () => deployment.db.collection('tasks');
  const nowMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000; // the clock of the bodies' traces
  const everyTaskIsFinal = async (): Promise<boolean> =>
    (await records().countDocuments({ state: { $in: ['waiting', 'running', 'canceling'] } })) === 0;

  async function submit(index: number, random: ReturnType<typeof seeded>): Promise<TaskView> {
    const chosen = random.sample(['a', 'b', 'c', 'd', 'e'], random.below(3));
    const exclusive = index % 10 === 0 ? ['a'] : chosen.filter(() => random.below(2) === 0);
    const label = `t${index}`;
    const askedAt = nowMs();
    const task = await deployment.submit({
      name: index % 3 === 0 ? 'test.again' : 'test.evidence',
      kwargs: { file: join(deployment.directory, 'evidence'), label, ms: 50 + random.below(400) },
      exclusive,
      shared: chosen.filter(name => !exclusive.includes(name)),
    });
    submissions.push({ id: task.id, askedAt, answeredAt: nowMs(), outcome: 'ok' });
    labels.set(label, task.id);
    return task;
  }

  async function cancel(id: string): Promise<void> {
    const askedAt = nowMs();
    const { status, body } = await deployment.request<TaskView>('POST', `/api/v1/tasks/${id}/cancel`);
    const state = status === 202 ? { state: body.state as NonNullable<CancelRequest['state']> } : {};
    cancels.push({ id, askedAt, answeredAt: nowMs(), outcome: status === 202 ? 'ok' : 'refused', ...state });
  }

  it('finds nothing while a deployment works, a worker is killed, and tasks are cancelled', async () => {
    const random = seeded(SEED);
    for (let index = 0; index < TASKS; index++) {
      const { id } = await submit(index, random);
      if (random.below(8) === 0) await cancel(id);
      if (index === TASKS / 2) await roles.workers[1]!.kill('SIGKILL');
    }
    const { code, report } = await audit();
    expect(report.findings).to.deep.equal([]);
    expect(code).to.equal(0);
    await until('all tasks are final', everyTaskIsFinal, { timeoutMs: 120_000, everyMs: 300 });
  });

  it('finds nothing in what is left behind, and says what it has checked', async () => {
    const { code, report } = await audit();
    expect(report.findings).to.deep.equal([]);
    expect(report).to.include({ ok: true, omitted: 0 });
    expect(report.durationMs).to.be.a('number');
    expect(report.checked.tasks).to.equal(TASKS);
    expect(report.checked.attempts).to.be.greaterThan(TASKS / 2);
    expect(report.checked.grants).to.be.greaterThan(TASKS / 4);
    expect(report.checked.resources).to.equal(5);
    expect(code).to.equal(0);
    const later = await audit('--since', new Date(Date.now() + 3_600_000).toISOString());
    expect(later.report.checked.tasks, 'nothing ended in the future').to.equal(0);
  });

  it('agrees with what the bodies and the clients tell', async () => {
    const store = await openMongoStore({
      url: deployment.env.INTERLOCK_MONGO_URL!,
      appName: 'interlock-test',
      log: { warn: () => undefined, error: () => undefined, info: () => undefined },
    });
    try {
      const { items } = await store.tasks.list({}, { limit: 500, newestFirst: false });
      const bodies = readSpans(join(deployment.directory, 'evidence')).map(
        ({ label, attempt, begin, last, ended }): BodySpan => ({
          task: labels.get(label)!,
          attempt,
          begin: begin / 1_000,
          last: last / 1_000,
          ended,
        }),
      );
      expect(bodies.length).to.be.greaterThan(TASKS / 2);
      const history = { tasks: items, bodies, submissions, cancels, drained: true, cancelGraceMs: 10_000 };
      expect(checkHistory(history)).to.deep.equal([]);
      const [first] = items as [Task];
      expect(checkHistory({ ...history, tasks: items.slice(1) }).map(({ rule }) => rule)).to.include('lost');
      expect(checkHistory({ ...history, bodies: [...bodies, ...bodies.slice(0, 1)] }).map(({ rule }) => rule)).to.include(
        'doubled',
      );
      expect(first.seq).to.equal(1);
    } finally {
      await store.close();
    }
  });

  describe('with a record that was tampered with', () => {
    // A living beat would repair some of it at once.
    before(async () => {
      for (const role of [roles.beat, roles.manager, roles.workers[0]!]) await role.kill('SIGTERM');
    });

    for (const { what, rule, plant, evidence } of corruptions(() => deployment.db)) {
      it(`finds ${what}`, async () => {
        const { id, undo } = await plant();
        const { code, report } = await audit();
        await undo();
        expect(code).to.equal(1);
        expect(report.ok).to.equal(false);
        const told = report.findings.filter(finding => finding.rule === rule && finding.tasks.includes(id));
        const fits = told.some(finding => evidence.test(finding.evidence) && finding.evidence.includes(id));
        expect(fits, JSON.stringify({ id, found: report.findings }, undefined, 1)).to.equal(true);
        expect((await audit()).report.findings, 'after it was undone').to.deep.equal([]);
      });
    }
  });

  it('ends with 6 when the database does not answer, 78 when none is named, and 1 for a database that is none of its own', async () => {
    const ended = async (url?: string): Promise<number | null> => {
      const env = url === undefined ? {} : { INTERLOCK_MONGO_URL: url };
      return (await interlock(['audit'], { cwd: deployment.directory, env })).code;
    };
    const url = deployment.env.INTERLOCK_MONGO_URL!;
    expect(await ended('mongodb://127.0.0.1:9/x?replicaSet=rs0')).to.equal(6);
    expect(await ended()).to.equal(78);
    expect(await ended(url.replace(deployment.database, `${deployment.database}_empty`))).to.equal(1);
  });
});
