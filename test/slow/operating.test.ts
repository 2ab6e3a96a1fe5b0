import { expect } from 'chai';
import { join } from 'node:path';

import { FIGURES } from '../../src/api/metrics/figures.js';
import { Deployment, freePort } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { commandLines, commandsOf } from '../support/page-commands.js';
import { parseMetrics, valueOf, type Metric } from '../support/prometheus.js';
import { until } from '../support/wait.js';

interface Maintenance {
  on: boolean;
  open: { running: number; waiting: { delay: number } };
}

let deployment: Deployment;
const file = (): string => join(deployment.directory, 'evidence');
const body = (label: string, ms: number): Record<string, unknown> => ({
  name: 'test.evidence',
  kwargs: { file: file(), label, ms },
});

async function scrape(url = deployment.url): Promise<Map<string, Metric>> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(20_000) });
  expect(response.status).to.equal(200);
  return parseMetrics(await response.text());
}

describe('docs/operating.md', function () {
  this.timeout(240_000);
  let workerMetrics: number;
  before(async () => {
    deployment = await Deployment.create();
    workerMetrics = await freePort();
    deployment.start('api');
    deployment.start('resource-manager');
    deployment.start('beat');
    deployment.start('worker', ['-n', 'w1', '-c', '2'], { INTERLOCK_METRICS_PORT: String(workerMetrics) });
    await deployment.healthy();
  });
  after(() => deployment.destroy());

  it('shows commands that run as they stand there', async () => {
    const blocks = commandsOf('docs/operating.md', import.meta.url).flatMap(commandLines);
    const commands = blocks.filter(line => line.startsWith('interlock '));
    expect(commands).to.have.length.greaterThan(6);
    for (const command of commands) {
      const args = [...command.slice('interlock '.length).matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare ?? '',
      );
      const { code, stderr } = await deployment.cli(...args);
      expect(code, `${command}: ${stderr}`).to.equal(0);
    }
    expect(blocks.filter(line => !line.startsWith('interlock '))).to.deep.equal(['curl -s localhost:8787/metrics']);
  });

  it('has metrics of all roles in one scrape of one API, and of a process on its own port', async () => {
    const task = await deployment.submit({ ...body('counted', 10), exclusive: ['r'] });
    await deployment.final(task.id);
    const metrics = await until(
      'the counts have come with a heartbeat',
      async () => {
        const found = await scrape();
        const done = valueOf(found, 'interlock_task_ends_total', { name: 'w1', end: 'completed' }) ?? 0;
        return done > 0 && (valueOf(found, 'interlock_grants_total', { role: 'resource-manager' }) ?? 0) > 0 ? found : undefined;
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
    for (const { name } of FIGURES) expect(metrics.has(name), name).to.equal(true);
    expect(valueOf(metrics, 'interlock_sweeps_total', { role: 'beat' })).to.be.greaterThan(0);
    expect(valueOf(metrics, 'interlock_leader_terms_total', { role: 'beat' })).to.equal(1);
    expect(valueOf(metrics, 'interlock_tasks_accepted_total', { role: 'api' })).to.be.greaterThan(0);
    expect(valueOf(metrics, 'interlock_worker_slots', { name: 'w1' })).to.equal(2);
    expect(valueOf(metrics, 'interlock_process_resident_bytes', { name: 'w1' })).to.be.greaterThan(1e7);
    expect(['resource-manager', 'beat'].map(role => valueOf(metrics, 'interlock_leaders', { role }))).to.deep.equal([1, 1]);
    const own = await scrape(`http://127.0.0.1:${workerMetrics}`);
    const runs = own.get('interlock_task_run_duration_seconds')?.samples.find(({ name }) => name.endsWith('_count'));
    expect(runs?.labels).to.deep.equal({ task: 'test.evidence', end: 'completed' });
  });

  it('keeps new tasks out while what was accepted goes on, and schedules make none', async () => {
    const slow = await deployment.submit(body('accepted', 3_000));
    const schedule = await deployment.request<{ id: string }>('POST', '/api/v1/schedules', {
      ...{ name: 'each-second', task: body('slot', 10), interval: 1, misfire: 'skip' },
    });
    await until('a slot has run', () => readSpans(file()).some(({ label }) => label === 'slot'), { timeoutMs: 60_000 });
    expect((await deployment.cli('maintenance', 'on', '--reason', 'disks')).code).to.equal(0);
    const refused = await deployment.request<{ code: string }>('POST', '/api/v1/tasks', body('refused', 1));
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).to.deep.equal([503, 'MAINTENANCE', '30']);
    expect(await deployment.final(slow.id)).to.include({ state: 'completed' });
    const slots = async (): Promise<number> =>
      deployment.db.collection('tasks').countDocuments({ 'schedule.id': schedule.body.id });
    const before = await slots();
    const since = Date.now();
    await until('three slots have passed', () => Date.now() - since > 3_500);
    expect(await slots()).to.be.at.most(before + 1); // one that was being made
    await deployment.cli('maintenance', 'off');
    await until('slots make tasks again', async () => (await slots()) > before + 2, { timeoutMs: 60_000 });
    await deployment.request('DELETE', `/api/v1/schedules/${schedule.body.id}`);
  });

  it('drains: everything ends but what waits for a delay, and that is there afterwards', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map(label => deployment.submit({ ...body(label, 300), exclusive: ['one'] })));
    const later = await deployment.submit({ ...body('later', 10), countdown: 3_600 });
    const left = await deployment.cli('drain', '--leave-delayed', '--timeout', '120');
    expect(left.code, left.stderr).to.equal(0);
    const { open } = JSON.parse(left.stdout) as Maintenance;
    expect([open.running, open.waiting.delay]).to.deep.equal([0, 1]);
    expect(await deployment.task(later.id)).to.include({ state: 'waiting', waitingFor: 'delay' });
    const late = await deployment.cli('drain', '--timeout', '1');
    expect(late.code, late.stderr).to.equal(5);
    expect((await deployment.cli('drain', '--cancel-delayed', '--timeout', '60')).code).to.equal(0);
    expect(await deployment.task(later.id)).to.include({ state: 'canceled' });
    const opened = await deployment.cli('drain', '--resume');
    expect((JSON.parse(opened.stdout) as Maintenance).on).to.equal(false);
    await deployment.submit(body('again', 1));
  });

  it('raises a schema only while nobody lives, and no role starts on another one', async () => {
    const meta = deployment.db.collection<{ _id: string }>('meta');
    await meta.updateOne({ _id: 'deployment' }, { $set: { schema: 0 } });
    const beside = await deployment.cli('manage-db');
    expect(beside.code).to.equal(1);
    expect(beside.stderr)
      .to.match(/w1 \(worker, host/)
      .and.match(/Roles of this deployment live: .*run `interlock manage-db` again/);
    const refused = deployment.start('beat');
    await refused.exited;
    expect(refused.child.exitCode, refused.output).to.equal(78);
    expect(refused.output).to.match(/has schema 0; this Interlock needs 1\. .*run `interlock manage-db`/s);
    await deployment.stopAll();
    const raised = await deployment.cli('manage-db');
    expect(raised.code, raised.stderr).to.equal(0);
    expect(JSON.parse(raised.stdout)).to.deep.include({ upgraded: { from: 0, to: 1 } });
    await meta.updateOne({ _id: 'deployment' }, { $set: { schema: 9 } });
    const newer = await deployment.cli('manage-db');
    expect(newer.code, newer.stderr).to.equal(78);
  });
});
