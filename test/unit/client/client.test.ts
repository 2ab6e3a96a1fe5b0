import { expect } from 'chai';

import { ApiError, createClient, TaskCanceled, TaskFailed, TaskTimeout, Unreachable } from '../../../src/client/client.js';
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
      'GET /repositories',
      'POST /repositories',
      'GET /repositories/r',
      'POST /repositories/r/sync',
      'POST /repositories/r/publish',
      'DELETE /repositories/r',
    ]);
  });
});
