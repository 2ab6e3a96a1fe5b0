import { expect } from 'chai';

import { boundedLabel, processMetrics } from '../../../src/process/metrics.js';
import { MetricsServer } from '../../../src/process/metrics-server.js';
import { timingTasks } from '../../../src/process/metrics-tasks.js';
import { silentLog } from '../../../src/process/log.js';
import { measuringVitals, Tally } from '../../../src/process/vitals.js';
import { measuring } from '../../../src/worker/measuring.js';
import { until } from '../../support/wait.js';
import { parseMetrics, valueOf } from '../../support/prometheus.js';

const VERSIONS = { interlock: '0.1.0', node: '20.20.2' };

describe('The metrics of a process', () => {
  it('are well made, and have values', async () => {
    const metrics = parseMetrics(await processMetrics(VERSIONS).metrics());
    for (const name of [
      'process_cpu_seconds_total',
      'process_start_time_seconds',
      'process_resident_memory_bytes',
      'process_open_fds',
      'nodejs_heap_size_used_bytes',
    ])
      expect(valueOf(metrics, name), name).to.be.greaterThan(0);
    expect(valueOf(metrics, 'interlock_build_info', { version: '0.1.0', node: '20.20.2' })).to.equal(1);
  });

  it('have no more names of task types than is said', () => {
    const label = boundedLabel(2);
    expect(['a', 'b', 'c', 'a', 'd', 'b'].map(label)).to.deep.equal(['a', 'b', 'other', 'a', 'other', 'b']);
  });

  it('are served, and nothing else is', async () => {
    const registry = processMetrics(VERSIONS);
    const timed = timingTasks(registry);
    timed({ name: 'calculator.add' })('completed');
    const server = new MetricsServer({ host: '127.0.0.1', port: 0, registry, log: silentLog });
    await server.start();
    const at = (path: string, method = 'GET'): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    const scraped = await at('/metrics');
    expect(scraped.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8');
    const durations = parseMetrics(await scraped.text()).get('interlock_task_run_duration_seconds');
    const count = durations?.samples.find(({ name }) => name.endsWith('_count'));
    expect(count).to.deep.include({ labels: { task: 'calculator.add', end: 'completed' }, value: 1 });
    expect([(await at('/')).status, (await at('/metrics', 'POST')).status]).to.deep.equal([404, 405]);
    const second = new MetricsServer({ host: '127.0.0.1', port: server.port ?? 0, registry, log: silentLog });
    const error = await second.start().catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'EADDRINUSE');
    await server.stop();
  });
});

describe('A tally', () => {
  it('counts up, adds what others keep, and leaves out what is 0', () => {
    const tally = new Tally();
    tally.up('grants', 3);
    tally.up('grants');
    tally.up('sweeps', 0);
    expect(tally.counts({ brokerReconnects: 2, messagesNewer: 0 })).to.deep.equal({ grants: 4, brokerReconnects: 2 });
  });
});

describe('Vitals', () => {
  const passed = (ms: number): Promise<unknown> => {
    const over = performance.now() + ms;
    return until('some time has passed', () => performance.now() > over);
  };

  it('are told where this process may open no file, with the memory that it had before', () => {
    const vitals = measuringVitals();
    const { residentBytes } = vitals();
    const rss = process.memoryUsage.rss.bind(process);
    process.memoryUsage.rss = () => {
      throw Object.assign(new Error('EMFILE: too many open files, uv_resident_set_memory'), { code: 'EMFILE' });
    };
    try {
      expect(vitals()).to.include({ residentBytes });
      expect(measuring({ stats: () => ({ children: [], tasksRun: 7 }) as never })()).to.include({ tasksRun: 7 });
    } finally {
      process.memoryUsage.rss = rss;
    }
  });

  it('tell how late timers were, whatever held them up', async () => {
    const vitals = measuringVitals();
    await passed(120);
    vitals();
    await passed(120); // what is measured is from one look to the next
    const until = performance.now() + 400;
    while (performance.now() < until) {
      // busy
    }
    await passed(120);
    const { loopDelaySeconds, residentBytes, cpuSeconds } = vitals();
    expect(loopDelaySeconds).to.be.at.least(0.3);
    expect(residentBytes).to.be.greaterThan(1e6);
    expect(cpuSeconds).to.be.greaterThan(0.3);
  });
});
