import { expect } from 'chai';

import type { MaintenanceView } from '../../../src/client/client.js';
import { cliUnderTest } from '../../support/cli-against.js';
import { startInterlock } from '../../support/command.js';
import { scriptedApi, type Answer, type Heard } from '../../support/scripted-api.js';
import { until } from '../../support/wait.js';

const NONE = { delay: 0, resources: 0, worker: 0, retry: 0, dependencies: 0, limit: 0 };

function looking(waiting: Partial<MaintenanceView['open']['waiting']> = {}, running = 0): MaintenanceView {
  return {
    ...{ on: true, since: '2026-01-01T00:00:00.000Z', by: 'anonymous', reason: 'drain' },
    open: { running, canceling: 0, waiting: { ...NONE, ...waiting } },
    delays: waiting.delay ? { first: '2030-01-01T00:00:00.000Z', last: '2031-01-01T00:00:00.000Z' } : null,
  };
}

/** Answers the looks in this order, the last one again and again. */
function script(...looks: MaintenanceView[]): (request: Heard) => Answer {
  let n = 0;
  return () => ({ body: looks[Math.min(n++, looks.length - 1)] });
}

describe('interlock drain', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();
  const { against } = cli;

  it('turns acceptance off and waits until all has ended, telling how far it is', async () => {
    const done = await against(script(looking({ worker: 2 }, 1), looking({}, 1), looking()), 'drain', '--reason', 'disks');
    expect(done.code, done.stderr).to.equal(0);
    expect(cli.api.heard[0]).to.deep.include({
      method: 'POST',
      path: '/api/v1/maintenance',
      body: { on: true, reason: 'disks' },
    });
    expect(done.stderr).to.match(/1 running, 2 waiting for a worker\n1 running\nnothing is left/);
    expect(JSON.parse(done.stdout)).to.deep.equal(looking());
    expect(cli.api.heard.filter(({ method }) => method === 'GET')).to.have.length(3);
  });

  it('ends with 5 when the time is over, and leaves acceptance off', async () => {
    const late = await against(script(looking({ resources: 3 })), 'drain', '--timeout', '0.1');
    expect([late.code, late.stdout]).to.deep.equal([5, '']);
    expect(late.stderr).to.match(/Not drained after 0.1 s: 3 waiting for resources\. .*--resume/);
    expect(cli.api.heard.some(({ body }) => (body as { on?: boolean } | undefined)?.on === false)).to.equal(false);
  });

  it('says what waits for a time, and is content with it when told so', async () => {
    const waiting = await against(script(looking({ delay: 4, dependencies: 1 })), 'drain', '--timeout', '0.1');
    expect(waiting.stderr).to.match(
      /Only what waits for a time is left, the last until 2031-01-01.*--leave-delayed.*--cancel-delayed/,
    );
    await cli.api.close();
    const left = await against(
      script(looking({ delay: 4 }, 1), looking({ delay: 4, dependencies: 1 })),
      'drain',
      '--leave-delayed',
    );
    expect(left.code, left.stderr).to.equal(0);
    expect((JSON.parse(left.stdout) as MaintenanceView).open.waiting.delay).to.equal(4);
  });

  it('cancels delays that are far away, and none that is about to end', async () => {
    const far = new Date(Date.now() + 3_600_000).toISOString();
    const near = new Date(Date.now() + 5_000).toISOString();
    const items = [
      { id: 'far', waitingFor: 'delay', dueAt: far },
      { id: 'gone', waitingFor: 'retry', dueAt: far },
      { id: 'near', waitingFor: 'delay', dueAt: near },
      { id: 'line', waitingFor: 'resources', dueAt: null },
    ];
    const cancelled = new Set<string>();
    const answer = ({ method, path }: Heard): Answer => {
      const id = /^\/api\/v1\/tasks\/(\w+)\/cancel$/.exec(path)?.[1];
      if (id !== undefined) cancelled.add(id);
      if (id === 'gone') return { status: 409, body: { code: 'TASK_FINAL', detail: 'It has ended.' } };
      if (id !== undefined) return { status: 202, body: {} };
      if (path.startsWith('/api/v1/tasks?')) return { body: { items, next: null, prev: null } };
      return { body: method === 'GET' && cancelled.size > 0 ? looking() : looking({ delay: 3 }) };
    };
    const done = await against(answer, 'drain', '--cancel-delayed');
    expect(done.code, done.stderr).to.equal(0);
    expect([...cancelled]).to.deep.equal(['far', 'gone']);
  });

  it('goes on asking while the API is started again, and gives up when somebody else opens acceptance', async () => {
    let looks = 0;
    const answer = ({ method }: Heard): Answer => {
      if (method === 'GET') looks++;
      if (looks === 1) return { hangUp: true };
      return { body: looks >= 3 ? { ...looking(), on: false } : looking({}, 1) };
    };
    const done = await against(answer, 'drain');
    expect(done.code).to.equal(1);
    expect(done.stderr)
      .to.match(/No answer, asking again/)
      .and.match(/Somebody else has opened acceptance/);
  });

  it('can be interrupted, and says that acceptance stays off', async () => {
    const api = await scriptedApi(script(looking({}, 2)));
    const running = startInterlock(['drain'], { cwd: cli.folder, env: { INTERLOCK_URL: api.url } });
    await until('it waits', () => running.stderr.includes('2 running'));
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    await api.close();
    expect(code).to.equal(130);
    expect(stderr).to.match(/Interrupted: 2 running\. New tasks stay refused; `interlock drain --resume` takes them again/);
  });

  it('is undone by --resume, and refuses flags that contradict each other', async () => {
    const opened = await against(() => ({ body: { ...looking(), on: false } }), 'drain', '--resume');
    expect(opened.code).to.equal(0);
    expect(cli.api.heard).to.have.length(1);
    expect(cli.api.heard[0]).to.deep.include({ method: 'POST', body: { on: false } });
    await cli.api.close();
    const both = await against(script(looking()), 'drain', '--leave-delayed', '--cancel-delayed');
    expect(both.code).to.equal(2);
    expect(cli.api.heard).to.have.length(0);
  });
});

describe('interlock maintenance', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();

  it('turns acceptance off and on, and shows it', async () => {
    const closed = await cli.against(() => ({ body: looking() }), 'maintenance', 'on', '--reason', 'disks');
    expect([closed.code, JSON.parse(closed.stdout)]).to.deep.equal([0, looking()]);
    expect(cli.api.heard[0]).to.deep.include({ method: 'POST', body: { on: true, reason: 'disks' } });
    await cli.api.close();
    await cli.against(() => ({ body: looking() }), 'maintenance', 'off');
    expect(cli.api.heard[0]).to.deep.include({ method: 'POST', body: { on: false } });
    await cli.api.close();
    await cli.against(() => ({ body: looking() }), 'maintenance', 'show');
    expect(cli.api.heard[0]).to.deep.include({ method: 'GET', path: '/api/v1/maintenance' });
  });
});
