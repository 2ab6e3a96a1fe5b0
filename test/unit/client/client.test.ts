import { expect } from 'chai';

import {
  ApiError,
  createClient,
  ResultExpired,
  TaskCanceled,
  TaskFailed,
  TaskTimeout,
  Unreachable,
} from '../../../src/client/client.js';
import { InterlockError, MissingResource } from '../../../src/core/errors.js';
import { scriptedApi, type Answer, type Heard, type ScriptedApi } from '../../support/scripted-api.js';

const ID = '0198c1f7-0000-7000-8000-000000000001';
const task = (more: object = {}): object => ({ id: ID, name: 't', state: 'waiting', error: null, reason: null, ...more });

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not reject');
}

describe('The client', () => {
  let api: ScriptedApi | undefined;
  afterEach(async () => {
    await api?.close();
    api = undefined;
  });
  async function answering(answer: (request: Heard) => Answer | Promise<Answer>): Promise<ReturnType<typeof createClient>> {
    api = await scriptedApi(answer);
    return createClient({ url: `${api.url}/`, token: 'hush' });
  }

  it('submits a definition with its input, its options, a token and a key', async () => {
    const client = await answering(() => ({ status: 202, body: task() }));
    const definition = { kind: 'interlock.task', name: 'repository.sync' } as const;
    const handle = await client.enqueue(
      definition,
      { repository: 'centos' },
      { exclusive: [{ href: '/repositories/centos' }], eta: new Date(0), idempotencyKey: 'nightly-1' },
    );
    expect(handle.id).to.equal(ID);
    const [request] = api!.heard;
    expect(request).to.include({ method: 'POST', path: '/api/v1/tasks' });
    expect(request!.headers).to.include({ authorization: 'Bearer hush', 'idempotency-key': 'nightly-1' });
    expect(request!.body).to.deep.equal({
      name: 'repository.sync',
      kwargs: { repository: 'centos' },
      exclusive: ['/repositories/centos'],
      eta: '1970-01-01T00:00:00.000Z',
    });
  });

  it('repeats a submission whose answer was lost, under the same key', async () => {
    let calls = 0;
    const client = await answering(() => (++calls === 1 ? { hangUp: true } : { status: 202, body: task() }));
    await client.enqueue('t', {});
    const keys = api!.heard.map(request => request.headers['idempotency-key']);
    expect(keys).to.have.length(2);
    expect(new Set(keys)).to.have.length(1);
  });

  it('asks for a deletion until all was looked at, and adds up', async () => {
    const answers = [
      { deleted: 500, kept: 3, more: true },
      { deleted: 20, kept: 2, more: false },
    ];
    const client = await answering(() => ({ body: answers.shift() ?? {} }));
    const purged = await client.purge(['completed', 'skipped'], { finishedBefore: new Date(0) });
    expect(purged).to.deep.equal({ deleted: 520, kept: 2 });
    const [request] = api!.heard;
    expect(request).to.include({ method: 'DELETE' });
    expect(request!.path).to.equal('/api/v1/tasks?state=completed&state=skipped&finishedBefore=1970-01-01T00%3A00%3A00.000Z');
    expect(request!.headers.prefer).to.equal('return=representation');
  });

  it('does not ask for ever for what is held back', async () => {
    const client = await answering(() => ({ body: { deleted: 0, kept: 100_000, more: true } }));
    expect(await client.purge(['failed'])).to.deep.equal({ deleted: 0, kept: 100_000 });
    expect(api!.heard).to.have.length(1);
  });

  it('tells a result that is not kept any more from one that was null', async () => {
    const client = await answering(() => ({ body: task({ state: 'completed', result: null, resultExpired: true }) }));
    expect(await rejection(client.task(ID).result())).to.be.instanceOf(ResultExpired);
  });

  it('refuses what is no resource before anything is sent', async () => {
    const client = await answering(() => ({ body: task() }));
    expect(await rejection(client.enqueue('t', {}, { exclusive: [{} as { href: string }] }))).to.be.instanceOf(TypeError);
    expect(api!.heard).to.be.empty;
  });

  it('turns problem documents into typed errors', async () => {
    const errors = [{ pointer: '/priority', detail: 'at most 9' }];
    const answers: Record<string, Answer> = {
      bad: { status: 400, body: { code: 'VALIDATION_FAILED', detail: 'No.', instance: 'req-1', errors } },
      gone: { status: 404, body: { code: 'MISSING_RESOURCE', detail: 'Task gone does not exist.' } },
      odd: { status: 409, body: { code: 'SOMETHING_NEW', title: 'Conflict of a newer kind' } },
    };
    const client = await answering(request => answers[request.path.split('/').at(-1)!]!);
    const bad = await rejection(client.get('bad'));
    expect(bad).to.be.instanceOf(ApiError);
    expect(bad).to.include({ code: 'VALIDATION_FAILED', message: 'No.', requestId: 'req-1' });
    expect(bad).to.have.property('errors').that.deep.equal(errors);
    expect(await rejection(client.get('gone')))
      .to.be.instanceOf(MissingResource)
      .with.property('message', 'Task gone does not exist.');
    expect(await rejection(client.get('odd')))
      .to.be.instanceOf(InterlockError)
      .with.property('code', 'CONFLICT');
  });

  it('says plainly when nothing answers, and when something else does', async () => {
    const client = await answering(request =>
      request.path.endsWith('/status')
        ? { body: 'hello', headers: { 'content-type': 'text/html' } }
        : { status: 301, headers: { location: '/x' } },
    );
    expect((await rejection(client.status())).message).to.match(/is that the address of Interlock's API/);
    expect((await rejection(client.workers())).message).to.match(/redirects to \/x/);
    const gone = await scriptedApi(() => ({}));
    await gone.close();
    const error = await rejection(createClient({ url: gone.url }).get(ID));
    expect(error).to.be.instanceOf(Unreachable);
    expect(error.message).to.match(/^Cannot reach Interlock at http:.*connection refused/);
    expect(() => createClient({ url: 'ftp://h' })).to.throw(TypeError, /expected http/);
  });

  it('waits through an API that is away for a while, until the task is final', async () => {
    const answers: Answer[] = [
      { body: task() },
      { status: 503, body: { code: 'STORE_UNAVAILABLE', detail: 'away' }, headers: { 'retry-after': '1' } },
      { hangUp: true },
      { body: task({ state: 'completed', result: { n: 1 } }) },
    ];
    const client = await answering(() => answers.shift()!);
    const states: string[] = [];
    const result = await client.task(ID).result({ onRead: read => states.push(read.state) });
    expect(result).to.deep.equal({ n: 1 });
    expect(states).to.deep.equal(['waiting', 'completed']);
    expect(api!.heard[0]!.headers.prefer).to.equal('wait=30');
  });

  it('comes back when the API says so, whatever it asked for, while there is too much', async () => {
    const refused = (status: number, code: string): Answer => {
      return { status, body: { code, detail: 'too much' }, headers: { 'retry-after': '1' } };
    };
    const answers = [refused(429, 'RATE_LIMITED'), refused(503, 'OVERLOADED'), { body: { paused: true } }];
    const times: number[] = [];
    const client = await answering(() => {
      times.push(performance.now());
      return answers.shift()!;
    });
    await client.schedules.pause('nightly');
    expect(times).to.have.length(3);
    for (const [index, time] of times.slice(1).entries()) expect(time - times[index]!).to.be.at.least(999);
    expect(new Set(api!.heard.map(({ method, path }) => `${method} ${path}`)).size).to.equal(1);
  });

  it('gives up at once where the API asks for more patience than anybody has', async () => {
    const body = { code: 'MAINTENANCE', detail: 'new disks' };
    const client = await answering(() => ({ status: 503, body, headers: { 'retry-after': '30' } }));
    expect(await rejection(client.enqueue('x'))).to.include({ code: 'MAINTENANCE', retryAfter: 30 });
    expect(api!.heard).to.have.length(1);
  });

  it('tells failure, cancellation and a wait that was too short apart', async () => {
    const answers: Record<string, object> = {
      f: task({ state: 'failed', error: { code: 'BAD_LUCK', message: 'no', traceback: 'at x' } }),
      c: task({ state: 'canceled', reason: 'expired' }),
      r: task({ state: 'running' }),
    };
    const client = await answering(request => ({ body: answers[request.path.split('/').at(-1)!] }));
    expect(await rejection(client.task('f').result()))
      .to.be.instanceOf(TaskFailed)
      .and.include({ code: 'BAD_LUCK', traceback: 'at x' });
    expect(await rejection(client.task('c').result()))
      .to.be.instanceOf(TaskCanceled)
      .with.property('reason', 'expired');
    expect(await rejection(client.task('r').result({ timeout: 0.1 }))).to.be.instanceOf(TaskTimeout);
    expect(await rejection(client.wait('r', { signal: AbortSignal.abort(new Error('enough')) }))).to.have.property(
      'message',
      'enough',
    );
  });

  it('lists with filters that repeat, and follows the path of the next page', async () => {
    const client = await answering(() => ({ body: { items: [], next: '/api/v1/tasks?cursor=x', prev: null } }));
    const page = await client.list({ state: ['failed', 'canceled'], createdAfter: new Date(0), limit: 5 });
    await client.list(page.next!);
    expect(api!.heard.map(request => request.path)).to.deep.equal([
      '/api/v1/tasks?state=failed&state=canceled&createdAfter=1970-01-01T00%3A00%3A00.000Z&limit=5',
      '/api/v1/tasks?cursor=x',
    ]);
  });

  it('reaches every collection under its own path', async () => {
    const client = await answering(request => (request.method === 'DELETE' ? { status: 204 } : { body: { items: [] } }));
    await client.cancel('a/b', { tree: true });
    await client.explain('x');
    await client.resource('repo:a b');
    await client.openapi();
    await client.schedules.list();
    await client.schedules.add({ name: 's' });
    await client.schedules.get('s');
    await client.schedules.remove('s');
    await client.schedules.list({ after: 's', limit: 2 });
    await client.schedules.update('s', { interval: 5 }, 3);
    expect(api!.heard.at(-1)).to.deep.include({ body: { interval: 5 } });
    expect(api!.heard.at(-1)?.headers['if-match']).to.equal('"3"');
    await client.schedules.pause('s', 'why');
    await client.schedules.resume('s');
    await client.schedules.run('s', 'key');
    expect(api!.heard.at(-1)?.headers['idempotency-key']).to.equal('key');
    await client.schedules.next('s', { count: 3 });
    await client.repositories.list();
    await client.repositories.create({ name: 'r' });
    await client.repositories.get('r');
    await client.repositories.sync('r');
    await client.repositories.publish('r');
    await client.repositories.remove('r');
    expect(api!.heard.map(request => `${request.method} ${request.path.replace('/api/v1', '')}`)).to.deep.equal([
      'POST /tasks/a%2Fb/cancel?tree=true',
      'GET /tasks/x/explain',
      'GET /resources/repo%3Aa%20b',
      'GET /openapi.json',
      'GET /schedules',
      'POST /schedules',
      'GET /schedules/s',
      'DELETE /schedules/s',
      'GET /schedules?after=s&limit=2',
      'PATCH /schedules/s',
      'POST /schedules/s/pause',
      'POST /schedules/s/resume',
      'POST /schedules/s/run',
      'GET /schedules/s/next?count=3',
      'GET /repositories',
      'POST /repositories',
      'GET /repositories/r',
      'POST /repositories/r/sync',
      'POST /repositories/r/publish',
      'DELETE /repositories/r',
    ]);
  });
});
