import { expect } from 'chai';

import { FIGURES } from '../../../src/api/metrics/figures.js';
import type { Counts } from '../../../src/core/counts.js';
import { parseMetrics, valueOf, type Metric } from '../../support/prometheus.js';
import { accept, delayed, granted, lead, newTask, registration, reserving, startAll } from '../store/support.js';
import { mongoUnderTest } from '../store/mongo-under-test.js';
import { openApi, type Opened } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

const LEASE = { ttlMs: 60_000, deadlineMs: 4_000 };

describe('GET /metrics', function () {
  this.timeout(60_000);
  const mongo = mongoUnderTest();
  let opened: Opened;
  beforeEach(async () => {
    await mongo.clear();
    opened = openApi(mongo.store()); // a new one has read nothing yet
  });
  afterEach(() => opened.app.close());

  async function scrape(): Promise<Map<string, Metric>> {
    const response = await opened.app.inject({ url: '/metrics' });
    expect([response.statusCode, response.headers['content-type']]).to.deep.equal([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    return parseMetrics(response.body);
  }

  it('is well made, with every figure, also of a deployment in which there is nothing', async () => {
    const metrics = await scrape();
    expect([...metrics.keys()]).to.include.members(FIGURES.map(({ name }) => name));
    for (const { name, type, help } of FIGURES) expect(metrics.get(name), name).to.deep.include({ type, help });
    for (const name of metrics.keys()) expect(name).to.match(/^(interlock|process|nodejs)_/);
    expect(valueOf(metrics, 'interlock_database_up')).to.equal(1);
    expect(valueOf(metrics, 'interlock_leaders', { role: 'beat' })).to.equal(0);
    expect(valueOf(metrics, 'interlock_processes', { role: 'worker', state: 'live' })).to.equal(0);
    expect(valueOf(metrics, 'interlock_oldest_ready_age_seconds')).to.equal(0);
    expect(valueOf(metrics, 'process_resident_memory_bytes')).to.be.greaterThan(1e6);
  });

  it('tells what waits and for what, what leads, and whether new tasks are taken', async () => {
    const store = mongo.store();
    const lease = await lead(store, 'resource-manager', 'rm-1');
    await store.processes.register(
      registration({ name: 'rm-1', role: 'resource-manager', incarnation: lease.incarnation }),
      60_000,
    );
    await granted(store, lease, reserving(['r']));
    const [running] = await accept(store, newTask(), reserving(['r']), reserving(['r']), delayed(new Date(Date.now() + 9e6)));
    await startAll(store, [running!]);
    await store.maintenance.begin({ by: 'anna' });
    const metrics = await scrape();
    const open = (labels: Record<string, string>): number | undefined => valueOf(metrics, 'interlock_tasks_open', labels);
    expect(open({ state: 'running' })).to.equal(1);
    expect(['worker', 'resources', 'delay', 'retry'].map(what => open({ waiting_for: what }))).to.deep.equal([1, 2, 1, 0]);
    expect(valueOf(metrics, 'interlock_oldest_blocked_age_seconds')).to.be.greaterThan(0);
    expect(valueOf(metrics, 'interlock_leaders', { role: 'resource-manager' })).to.equal(1);
    expect(valueOf(metrics, 'interlock_maintenance')).to.equal(1);
    expect(valueOf(metrics, 'interlock_queue_messages', { queue: 'default' })).to.equal(3);
    expect(valueOf(metrics, 'interlock_queue_consumers', { queue: 'other' }), 'that of a task type').to.equal(1);
  });

  it('tells what every live process has counted, and nothing of those that have stopped', async () => {
    const { processes } = mongo.store();
    const counts: Counts = { starts: 7, completed: 5, failed: 1, brokerReconnects: 2 };
    const stats = { busy: 3, ahead: 0, children: 4, residentMiB: 1, childrenMiB: 2, tasksRun: 5, uptimeSeconds: 1, loopUse: 0 };
    const told = { counts, stats, vitals: { residentBytes: 1_000, cpuSeconds: 1.5, loopDelaySeconds: 0.002 } };
    const one = registration({ name: 'w"1\n', slots: 4 });
    const two = registration({ name: 'w2' });
    await processes.register(one, 60_000);
    await processes.register(two, 60_000);
    await processes.beat(one.name, one.incarnation, LEASE, { ...told, paused: true });
    await processes.stop('w2', two.incarnation);
    const dead = registration({ name: 'w3' });
    await processes.register(dead, 60_000);
    await processes.declareMissing({ ...dead, beat: 0 }, { lapsed: false });
    const metrics = await scrape();
    const of = (name: string, labels: object = {}): number | undefined =>
      valueOf(metrics, `interlock_${name}`, { name: 'w"1\n', ...labels });
    expect(of('task_starts_total')).to.equal(7);
    expect(['completed', 'failed', 'canceled'].map(end => of('task_ends_total', { end }))).to.deep.equal([5, 1, 0]);
    expect(of('broker_reconnects_total', { role: 'worker' })).to.equal(2);
    expect(of('process_resident_bytes')).to.equal(1_000);
    expect(of('process_cpu_seconds_total')).to.equal(1.5);
    expect(of('process_loop_delay_seconds')).to.equal(0.002);
    expect([of('worker_slots'), of('worker_slots_busy'), of('worker_paused')]).to.deep.equal([4, 3, 1]);
    expect(of('worker_children_resident_bytes')).to.equal(2 * 1_048_576);
    for (const name of ['w2', 'w3']) expect(valueOf(metrics, 'interlock_worker_slots', { name })).to.equal(undefined);
    expect(valueOf(metrics, 'interlock_processes', { role: 'worker', state: 'missing' })).to.equal(1);
    expect(valueOf(metrics, 'interlock_processes', { role: 'worker', state: 'live' })).to.equal(1);
    expect((await processes.list())[0], 'only for whoever asks').to.not.have.property('counts');
  });

  it('times requests by route, never by path, and leaves out those that were asked to wait', async () => {
    const { app } = opened;
    for (const id of ['a', 'b', 'c']) await app.inject({ url: `/api/v1/tasks/${id}` });
    await app.inject({ url: '/api/v1/tasks/d', headers: { prefer: 'wait=1' } });
    await app.inject({ url: '/nowhere/x' });
    const { samples } = (await scrape()).get('interlock_http_request_duration_seconds')!;
    const counts = samples.filter(({ name }) => name.endsWith('_count'));
    expect(counts.map(({ labels, value }) => [labels.method, labels.route, labels.status, value])).to.deep.equal([
      ['GET', '/api/v1/tasks/:id', '4xx', 3],
      ['GET', 'none', '4xx', 1],
    ]);
  });

  it('counts accepted tasks by type, once each', async () => {
    const { app } = opened;
    const submit = (key: string) =>
      app.inject({ method: 'POST', url: '/api/v1/tasks', payload: { name: 'anything' }, headers: { 'idempotency-key': key } });
    for (const key of ['1', '1', '2']) expect((await submit(key)).statusCode).to.equal(202);
    expect(valueOf(await scrape(), 'interlock_api_tasks_accepted_total', { task: 'anything' })).to.equal(2);
  });

  it('reads the deployment once for many scrapes', async () => {
    const { store, calls } = scriptedStore();
    const { app } = openApi(store);
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.inject({ url: '/metrics' })));
    expect(calls.filter(call => call === 'tasks.backlog')).to.have.length(1);
    for (const { statusCode, body } of answers) {
      expect(statusCode, 'without a database too').to.equal(200);
      const metrics = parseMetrics(body);
      expect(valueOf(metrics, 'interlock_database_up')).to.equal(0);
      expect(metrics.has('interlock_tasks_open')).to.equal(false);
    }
    await app.close();
  });
});
