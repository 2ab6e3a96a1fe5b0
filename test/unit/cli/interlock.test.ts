import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { interlock, startScript, type Ended } from '../../support/command.js';
import { scriptedApi, type Answer, type Heard, type ScriptedApi } from '../../support/scripted-api.js';

const ID = '0198c1f7-0000-7000-8000-000000000001';
const task = (more: object = {}): object => ({
  id: ID,
  name: 't.add',
  state: 'waiting',
  waitingFor: 'worker',
  reason: null,
  error: null,
  result: null,
  ...more,
});

describe('The command line', function () {
  this.timeout(60_000);
  let folder: string;
  let api: ScriptedApi | undefined;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'interlock-cli-'))));
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    await api?.close();
    api = undefined;
  });

  /** Runs a command against an API that answers so. */
  async function against(answer: (request: Heard) => Answer, ...args: string[]): Promise<Ended> {
    api = await scriptedApi(answer);
    return interlock(args, { cwd: folder, env: { INTERLOCK_URL: api.url, INTERLOCK_TOKEN: 'hush' } });
  }

  it('answers what makes no sense with code 2 and the nearest word', async () => {
    const cases: [string[], RegExp][] = [
      [['wroker'], /unknown command 'wroker'[^]*worker/],
      [['task', 'lsit'], /unknown command 'lsit'[^]*list/],
      [['task', 'list', '--limt', '3'], /unknown option '--limt'[^]*--limit/],
      [['task', 'list', '--limit=abc'], /'--limit <n>'[^]*integer from 1 to 500/],
      [['task', 'run'], /missing required argument 'name'/],
      [['task', 'run', 't', '--args', '{"a":1}'], /--args <json>[^]*JSON array/],
      [['worker', '-c', '0'], /integer from 1 to 2000/],
      [['status', '--url', 'localhost'], /no address of an API/],
    ];
    const ended = await Promise.all(cases.map(([args]) => interlock(args, { cwd: folder })));
    for (const [index, { code, stdout, stderr }] of ended.entries()) {
      const [args, expected] = cases[index]!;
      expect(code, args.join(' ')).to.equal(2);
      expect(stderr, args.join(' ')).to.match(expected);
      expect(stderr, args.join(' ')).to.not.match(/\n {4}at /);
      expect(stdout, args.join(' ')).to.equal('');
    }
  });

  it('helps, with code 0', async () => {
    const { code, stdout } = await interlock(['task', 'run', '--help'], { cwd: folder });
    expect(code).to.equal(0);
    expect(stdout).to.match(/--exclusive <resource>/);
  });

  it('submits a task with all that was asked, and prints it as one line of JSON', async () => {
    const { code, stdout, stderr } = await against(
      () => ({ status: 202, body: task() }),
      ...['task', 'run', 't.add', '--args', '[1,2]', '--kwargs', '{"k":true}', '--exclusive', 'a', '--exclusive', 'b'],
      ...[
        '--shared',
        'c',
        '--priority',
        '9',
        '--countdown',
        '1.5',
        '--tag',
        'x',
        '--on-worker-loss',
        'requeue',
        '--idempotency-key',
        'once',
      ],
    );
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    expect(stdout.trimEnd().split('\n')).to.have.length(1);
    expect(JSON.parse(stdout)).to.include({ id: ID });
    const [request] = api!.heard;
    expect(request!.headers).to.include({ authorization: 'Bearer hush', 'idempotency-key': 'once' });
    expect(request!.body).to.deep.equal({
      name: 't.add',
      args: [1, 2],
      kwargs: { k: true },
      exclusive: ['a', 'b'],
      shared: ['c'],
      priority: 9,
      countdown: 1.5,
      tags: ['x'],
      onWorkerLoss: 'requeue',
    });
  });

  it('ends as the task does that it waited for, with the task as data and the news on standard error', async () => {
    const ends: [object, number][] = [
      [{ state: 'completed', waitingFor: null, result: 3 }, 0],
      [{ state: 'failed', waitingFor: null, error: { code: 'BAD', message: 'no luck', traceback: null } }, 3],
      [{ state: 'canceled', waitingFor: null, reason: 'user' }, 4],
    ];
    for (const [end, code] of ends) {
      let reads = 0;
      const done = await against(() => ({ body: reads++ === 0 ? task() : task(end) }), 'task', 'run', 't.add', '--wait');
      expect(done.code, done.stderr).to.equal(code);
      expect(JSON.parse(done.stdout)).to.include({ state: (end as { state: string }).state });
      expect(done.stderr).to.match(/t\.add {2}(completed|failed|canceled)/);
      await api!.close();
    }
    const late = await against(() => ({ body: task() }), 'task', 'wait', ID, '--timeout', '0.2');
    expect(late.code).to.equal(5);
    expect(late.stdout).to.equal('');
  });

  it('leaves the task alone when Ctrl-C ends the wait', async () => {
    let asked: () => void = () => undefined;
    const waiting = new Promise<void>(resolve => (asked = resolve));
    api = await scriptedApi(() => {
      asked();
      return { body: task() };
    });
    const running = startScript('src/cli/interlock.ts', ['task', 'wait', ID], { cwd: folder, env: { INTERLOCK_URL: api.url } });
    await waiting;
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).to.equal(130);
    expect(stderr).to.match(/The task goes on/);
    expect(api.heard.every(request => request.method === 'GET')).to.equal(true);
  });

  it('says with code 6 that nothing answers, and what to do', async () => {
    const gone = await scriptedApi(() => ({}));
    await gone.close();
    const { code, stderr } = await interlock(['status', '--url', gone.url], { cwd: folder });
    expect(code).to.equal(6);
    expect(stderr).to.match(/connection refused[^]*interlock dev[^]*INTERLOCK_URL/);
  });

  it('passes on what the API refuses, with code 1', async () => {
    const problem = { code: 'VALIDATION_FAILED', detail: 'Two things.', errors: [{ pointer: '/priority', detail: 'at most 9' }] };
    const { code, stderr } = await against(() => ({ status: 400, body: problem }), 'task', 'run', 't');
    expect(code).to.equal(1);
    expect(stderr).to.match(/Two things\. \(VALIDATION_FAILED\)\n {2}\/priority: at most 9/);
  });

  it('is not healthy with code 1', async () => {
    const view = { healthy: false, reasons: ['MongoDB does not answer.'], workers: [], resourceManagers: [], beats: [] };
    expect(await against(() => ({ body: view }), 'status')).to.include({ code: 1, stdout: `${JSON.stringify(view)}\n` });
  });

  it('ends a schedule by its name', async () => {
    const list = { items: [{ id: 's-1', name: 'nightly' }], next: null, prev: null };
    const answer = ({ method }: Heard): Answer => (method === 'DELETE' ? { status: 204 } : { body: list });
    expect(await against(answer, 'schedule', 'rm', 'nightly')).to.include({ code: 0 });
    expect(api!.heard.at(-1)).to.include({ method: 'DELETE', path: '/api/v1/schedules/s-1' });
    await api!.close();
    expect(await against(answer, 'schedule', 'rm', 'other')).to.include({ code: 1 });
  });

  it('makes a schedule of a task and an interval', async () => {
    await against(
      () => ({ status: 201, body: { id: 's-1', name: 'n' } }),
      ...['schedule', 'add', 'n', 't.add', '--every', '60', '--args', '[1]'],
    );
    expect(api!.heard[0]!.body).to.deep.equal({ name: 'n', task: { name: 't.add', args: [1] }, interval: 60 });
  });

  it('shows workers, resources, explanations and the description of the API as they come', async () => {
    const commands = [
      ['workers', 'list', '/workers'],
      ['resource', 'show', 'a b', '/resources/a%20b'],
      ['task', 'explain', ID, `/tasks/${ID}/explain`],
      ['task', 'show', ID, `/tasks/${ID}`],
      ['openapi', '/openapi.json'],
    ];
    for (const [...command] of commands) {
      const path = command.pop()!;
      const { code, stdout } = await against(() => ({ body: { items: [], path } }), ...command);
      expect(code).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.equal({ items: [], path });
      expect(api!.heard[0]!.path).to.equal(`/api/v1${path}`);
      await api!.close();
    }
  });

  it('does not complain when its reader goes away', async () => {
    api = await scriptedApi(() => ({ body: { items: Array.from({ length: 5_000 }, () => task()), next: null } }));
    const running = startScript('src/cli/interlock.ts', ['task', 'list'], { cwd: folder, env: { INTERLOCK_URL: api.url } });
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
  });

  it('ends with 78 and all reasons when the settings cannot be', async () => {
    const servers = { INTERLOCK_MONGO_URL: 'mongodb://h', INTERLOCK_AMQP_URL: 'amqp://h' };
    const cases: [string[], Record<string, string>, RegExp][] = [
      [['worker'], {}, /mongo\.url \(INTERLOCK_MONGO_URL\)[^]*amqp\.url \(INTERLOCK_AMQP_URL\)/],
      [['manage-db'], {}, /INTERLOCK_MONGO_URL/],
      [['config', 'check'], { INTERLOCK_API_PORT: 'x', INTERLOCK_LOG_LEVEL: 'y' }, /2 problems[^]*api\.port[^]*log\.level/],
      [['beat', '-n', 'a/b'], servers, /name \(-n\)[^]*"a\/b"/],
    ];
    const ended = await Promise.all(cases.map(([args, env]) => interlock(args, { cwd: folder, env })));
    for (const [index, { code, stderr }] of ended.entries()) {
      expect(stderr).to.match(cases[index]![2]);
      expect(code).to.equal(78);
    }
  });

  it('shows the settings without secrets', async () => {
    const env = { INTERLOCK_AMQP_URL: 'amqp://u:hush@h' };
    const { code, stdout } = await interlock(['config', 'show', '--sources', '--json'], { cwd: folder, env });
    expect(code).to.equal(0);
    expect(stdout).to.not.include('hush');
    expect(JSON.parse(stdout)).to.have.property('amqp.url').that.deep.equals({
      value: 'amqp://u:***@h',
      source: 'INTERLOCK_AMQP_URL',
      env: 'INTERLOCK_AMQP_URL',
    });
  });
});
