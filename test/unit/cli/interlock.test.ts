import { expect } from 'chai';

import { cliUnderTest } from '../../support/cli-against.js';
import { interlock, startInterlock } from '../../support/command.js';
import { scriptedApi, type Answer, type Heard } from '../../support/scripted-api.js';

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
  const cli = cliUnderTest();
  const { against } = cli;

  it('answers what makes no sense with code 2 and the nearest word', async () => {
    const cases: [string[], RegExp][] = [
      [['wroker'], /unknown command 'wroker'[^]*worker/],
      [['task'], /Usage: interlock task[^]*explain/],
      [['group'], /Usage: interlock group[^]*cancel/],
      [['task', 'lsit'], /unknown command 'lsit'[^]*list/],
      [['task', 'list', '--limt', '3'], /unknown option '--limt'[^]*--limit/],
      [['task', 'list', '--limit=abc'], /'--limit <n>'[^]*integer from 1 to 500/],
      [['task', 'run'], /missing required argument 'name'/],
      [['task', 'run', 't', '--args', '{"a":1}'], /--args <json>[^]*JSON array/],
      [['worker', '-c', '0'], /integer from 1 to 2000/],
      [['status', '--url', 'localhost'], /no address of an API/],
    ];
    const ended = await Promise.all(cases.map(([args]) => interlock(args, { cwd: cli.folder })));
    for (const [index, { code, stdout, stderr }] of ended.entries()) {
      const [args, expected] = cases[index]!;
      expect(code, args.join(' ')).to.equal(2);
      expect(stderr, args.join(' ')).to.match(expected);
      expect(stderr, args.join(' ')).to.not.match(/\n {4}at /);
      expect(stdout, args.join(' ')).to.equal('');
    }
  });

  it('follows a task until it has ended, one line a change', async () => {
    const stream = [
      ['task', task({ state: 'running', at: 'now' })],
      ['progress', task({ state: 'running', at: 'now', progress: [{ message: 'Files', done: 1, total: 2 }] })],
    ]
      .concat([['task', task({ state: 'failed', reason: 'timeout', at: 'now' })]])
      .map(([event, data]) => `event: ${event as string}\ndata: ${JSON.stringify(data)}\n\n`)
      .join('');
    const answer = (): Answer => ({ headers: { 'content-type': 'text/event-stream' }, body: stream });
    const { code, stdout } = await against(answer, 'events', '--task', ID, '--json');
    expect(code).to.equal(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { kind: string; task: { state: string } });
    expect(lines.map(({ kind, task: { state } }) => `${kind} ${state}`)).to.deep.equal([
      'task running',
      'progress running',
      'task failed',
    ]);
    await cli.api.close();
    const both = await against(answer, 'events', '--task', ID, '--state', 'failed');
    expect([both.code, both.stderr]).to.satisfy(([status, text]: [number, string]) => status === 2 && text.includes('--state'));
  });

  it('helps, with code 0', async () => {
    const { code, stdout } = await interlock(['task', 'run', '--help'], { cwd: cli.folder });
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
        '--counted',
        'rack=1/gpu=2',
        '--counted',
        'licence=1',
        '--concurrency',
        'import=5',
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
    const [request] = cli.api.heard;
    expect(request!.headers).to.include({ authorization: 'Bearer hush', 'idempotency-key': 'once' });
    expect(request!.body).to.deep.equal({
      name: 't.add',
      args: [1, 2],
      kwargs: { k: true },
      exclusive: ['a', 'b'],
      shared: ['c'],
      counted: { 'rack=1/gpu': 2, licence: 1 },
      concurrency: { key: 'import', max: 5 },
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
      await cli.api.close();
    }
    const late = await against(() => ({ body: task() }), 'task', 'wait', ID, '--timeout', '0.2');
    expect(late.code).to.equal(5);
    expect(late.stdout).to.equal('');
  });

  it('leaves the task alone when Ctrl-C ends the wait', async () => {
    let asked: () => void = () => undefined;
    const waiting = new Promise<void>(resolve => (asked = resolve));
    const api = await scriptedApi(() => {
      asked();
      return { body: task() };
    });
    const running = startInterlock(['task', 'wait', ID], {
      cwd: cli.folder,
      env: { INTERLOCK_URL: api.url },
    });
    await waiting;
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).to.equal(130);
    expect(stderr).to.match(/The task goes on/);
    expect(api.heard.every(request => request.method === 'GET')).to.equal(true);
    await api.close();
  });

  it('says with code 6 that nothing answers, and what to do', async () => {
    const gone = await scriptedApi(() => ({}));
    await gone.close();
    const { code, stderr } = await interlock(['status', '--url', gone.url], { cwd: cli.folder });
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
      expect(cli.api.heard[0]!.path).to.equal(`/api/v1${path}`);
      await cli.api.close();
    }
  });

  it('declares how many units of a resource there are, shows it, and takes it back', async () => {
    const commands: [string[], heard: string[], body: object | undefined][] = [
      [['a b', '4'], ['PUT /resources/a%20b', 'GET /resources/a%20b'], { capacity: 4 }],
      [['a b'], ['GET /resources/a%20b'], undefined],
      [['a b', '--remove'], ['DELETE /resources/a%20b', 'GET /resources/a%20b'], undefined],
    ];
    for (const [args, heard, body] of commands) {
      const shown = { name: 'a b', capacity: 4, held: 1 };
      const answer = ({ method }: Heard): Answer => (method === 'DELETE' ? { status: 204 } : { body: shown });
      const { code, stdout, stderr } = await against(answer, 'resource', 'capacity', ...args);
      expect(code, stderr).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.equal(shown);
      expect(cli.api.heard.map(({ method, path }) => `${method} ${path.replace('/api/v1', '')}`)).to.deep.equal(heard);
      if (body) expect(cli.api.heard[0]!.body).to.deep.equal(body);
      await cli.api.close();
    }
    expect((await interlock(['resource', 'capacity', 'a', '0'], { cwd: cli.folder })).stderr).to.match(
      /integer from 1 to 1000000/,
    );
    expect((await interlock(['task', 'run', 't', '--counted', 'gpu'], { cwd: cli.folder })).stderr).to.match(/as gpu=2/);
  });

  it('does not complain when its reader goes away', async () => {
    const api = await scriptedApi(() => ({ body: { items: Array.from({ length: 5_000 }, () => task()), next: null } }));
    const running = startInterlock(['task', 'list'], { cwd: cli.folder, env: { INTERLOCK_URL: api.url } });
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    await api.close();
  });

  it('ends with 78 and all reasons when the settings cannot be', async () => {
    const servers = { INTERLOCK_MONGO_URL: 'mongodb://h', INTERLOCK_AMQP_URL: 'amqp://h' };
    const cases: [string[], Record<string, string>, RegExp][] = [
      [['worker'], {}, /mongo\.url \(INTERLOCK_MONGO_URL\)[^]*amqp\.url \(INTERLOCK_AMQP_URL\)/],
      [['manage-db'], {}, /INTERLOCK_MONGO_URL/],
      [['config', 'check'], { INTERLOCK_API_PORT: 'x', INTERLOCK_LOG_LEVEL: 'y' }, /2 problems[^]*api\.port[^]*log\.level/],
      [['beat', '-n', 'a/b'], servers, /name \(-n\)[^]*"a\/b"/],
    ];
    const ended = await Promise.all(cases.map(([args, env]) => interlock(args, { cwd: cli.folder, env })));
    for (const [index, { code, stderr }] of ended.entries()) {
      expect(stderr).to.match(cases[index]![2]);
      expect(code).to.equal(78);
    }
  });

  it('shows the settings without secrets', async () => {
    const env = { INTERLOCK_AMQP_URL: 'amqp://u:hush@h' };
    const { code, stdout } = await interlock(['config', 'show', '--sources', '--json'], { cwd: cli.folder, env });
    expect(code).to.equal(0);
    expect(stdout).to.not.include('hush');
    expect(JSON.parse(stdout)).to.have.property('amqp.url').that.deep.equals({
      value: 'amqp://u:***@h',
      source: 'INTERLOCK_AMQP_URL',
      env: 'INTERLOCK_AMQP_URL',
    });
  });
});
