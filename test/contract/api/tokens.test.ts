import { expect } from 'chai';

import type { ApiServer } from '../../../src/api/context.js';
import { newTask } from '../store/support.js';
import { Guarded } from './access-fixture.js';
import type { Answer, Asking, Body } from './fixture.js';

interface TokenBody extends Body {
  token: string;
  role: string;
  hint: string;
  createdBy: string;
  expiresAt: string | null;
  expired: boolean;
  lastUsedAt: string | null;
}

interface Entry extends Omit<Body, 'detail'> {
  who: string;
  operation: string;
  target: string | null;
  detail: string | null;
  outcome: string;
  requestId: string;
}

describe('Tokens and the audit trail', () => {
  let guarded: Guarded;
  let app: ApiServer;
  let admin: string;
  beforeEach(async () => {
    guarded = new Guarded();
    app = await guarded.open();
    admin = (await guarded.token('root', 'admin')).text;
  });
  afterEach(() => guarded.close());

  const send = (path: string, asking: Asking & { token?: string } = {}): Promise<Answer> => {
    guarded.nowMs += 1; // no two entries of the trail have the same time
    return guarded.send(app, path, { token: admin, ...asking });
  };
  const create = (body: object): Promise<Answer> => send('/tokens', { body });
  const trail = async (query = ''): Promise<Entry[]> => (await send(`/audit${query}`)).body.items as unknown as Entry[];

  it('are made, shown once, used, listed and revoked', async () => {
    const made = await create({ name: 'ci', role: 'submit', expires: 3_600 });
    const body = made.body as TokenBody;
    expect(made.status).to.equal(201);
    expect(made.headers).to.include({ location: `/api/v1/tokens/${body.id}`, 'cache-control': 'no-store' });
    expect(body.token).to.match(/^ilk_[A-Za-z0-9_-]{43}$/);
    expect(body).to.include({ name: 'ci', role: 'submit', createdBy: 'root', expired: false, lastUsedAt: null });
    expect(Date.parse(body.expiresAt!)).to.equal(guarded.db.now().getTime() + 3_600_000);
    expect(body.token.startsWith(body.hint)).to.equal(true);

    const task = await guarded.send(app, '/tasks', { token: body.token, body: { name: 'anything' } });
    expect(task.status).to.equal(202);
    const usedAt = guarded.db.now().toISOString();
    const shown = await send(`/tokens/${body.id}`);
    expect(shown.body).to.deep.include({ id: body.id, name: 'ci', lastUsedAt: usedAt });
    const list = await send('/tokens?limit=1');
    expect(list.body.items.map(({ name }) => name)).to.deep.equal(['root']);
    const second = await send(list.body.next.replace('/api/v1', ''));
    expect([second.body.items.map(({ name }) => name), second.body.next]).to.deep.equal([['ci'], null]);

    const everything = JSON.stringify([shown, list, second, await send('/audit'), [...guarded.db.tokens.values()]]) + guarded.log;
    expect(everything).to.not.include(body.token);
    expect(JSON.stringify([shown, list])).to.not.include('hash');

    expect((await send(`/tokens/${body.id}`, { method: 'DELETE' })).status).to.equal(204);
    for (const method of ['GET', 'DELETE'] as const) expect((await send(`/tokens/${body.id}`, { method })).status).to.equal(404);
    expect((await guarded.send(app, '/tasks', { token: body.token })).status).to.equal(401);
    expect((await create({ name: 'ci', role: 'read' })).status, 'the name is free again').to.equal(201);
  });

  for (const [body, pointer] of [
    [{ role: 'read' }, '/name'],
    [{ name: '', role: 'read' }, '/name'],
    [{ name: 'a b', role: 'read' }, '/name'],
    [{ name: 'local', role: 'read' }, '/name'],
    [{ name: 'anonymous', role: 'read' }, '/name'],
    [{ name: 'x'.repeat(65), role: 'read' }, '/name'],
    [{ name: 'a' }, '/role'],
    [{ name: 'a', role: 'root' }, '/role'],
    [{ name: 'a', role: ['admin'] }, '/role'],
    [{ name: 'a', role: 'read', expires: -1 }, '/expires'],
    [{ name: 'a', role: 'read', expires: 0 }, '/expires'],
    [{ name: 'a', role: 'read', expires: 'soon' }, '/expires'],
    [{ name: 'a', role: 'read', expires: '2020-01-01T00:00:00Z' }, '/expires'],
    [{ name: 'a', role: 'read', token: 'mine' }, '/token'],
  ] as const) {
    it(`refuses ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const answer = await create(body);
      expect([answer.status, answer.body.code, answer.body.errors[0]?.pointer]).to.deep.equal([
        400,
        'VALIDATION_FAILED',
        pointer,
      ]);
      expect(await guarded.store.tokens.list(10)).to.have.length(1);
    });
  }

  it('refuses a name that is taken', async () => {
    const answer = await create({ name: 'root', role: 'read' });
    expect([answer.status, answer.body.code]).to.deep.equal([409, 'CONFLICT']);
    expect((await trail()).map(({ operation, target, outcome }) => [operation, target, outcome])).to.deep.equal([
      ['createToken', 'root', 'refused'],
    ]);
  });

  it('write down who did what to whom, and how it ended', async () => {
    const { body } = await create({ name: 'ops', role: 'operate' });
    const token = (body as TokenBody).token;
    const asking = { token, headers: { 'x-request-id': 'the-request' } };
    await send('/workers/none/pause', { ...asking, method: 'POST' });
    await send('/resources/gpu', { ...asking, method: 'PUT', body: { capacity: 3 } });
    await send('/tasks?state=failed&state=canceled', { ...asking, method: 'DELETE' });
    await send('/workers/actions', { ...asking, body: { action: 'drain', names: ['a', 'b'] } });
    await send('/schedules', {
      ...asking,
      body: { name: 'nightly', task: { name: 'anything', kwargs: { password: 'hidden-canary' } }, interval: 60 },
    });
    await send('/tasks', { ...asking, body: { name: 'anything' } });
    await send('/tasks?state=none', { ...asking, method: 'DELETE' });
    await send(`/tokens/${body.id}`, { method: 'DELETE' });
    const told = (await trail()).map(({ who, operation, target, detail, outcome }) => [who, operation, target, detail, outcome]);
    expect(told.reverse()).to.deep.equal([
      ['root', 'createToken', 'ops', 'role=operate', 'done'],
      ['ops', 'pauseWorker', 'none', null, 'refused'],
      ['ops', 'declareCapacity', 'gpu', 'capacity=3', 'done'],
      ['ops', 'purgeTasks', null, 'state=failed,canceled', 'done'],
      ['ops', 'steerWorkers', 'a,b', 'action=drain', 'refused'],
      ['ops', 'createSchedule', 'nightly', null, 'done'],
      ['root', 'revokeToken', body.id, 'name=ops', 'done'],
    ]);
    expect((await trail('?who=ops&outcome=done&operation=purgeTasks'))[0]).to.include({ status: 204, requestId: 'the-request' });
    expect(JSON.stringify(await trail())).to.not.include('hidden-canary');
  });

  it('give the trail page by page, and within two times', async () => {
    for (let n = 0; n < 5; n++) {
      await send(`/resources/r${n}`, { method: 'PUT', body: { capacity: 1 } });
      guarded.nowMs += 1_000;
    }
    const targets = (items: Entry[]): (string | null)[] => items.map(({ target }) => target);
    const first = await send('/audit?limit=2&operation=declareCapacity');
    expect(first.headers.link).to.include('rel="next"');
    const second = await send(first.body.next.replace('/api/v1', ''));
    const third = await send(second.body.next.replace('/api/v1', ''));
    expect([first, second, third].map(({ body }) => targets(body.items as unknown as Entry[]))).to.deep.equal([
      ['r4', 'r3'],
      ['r2', 'r1'],
      ['r0'],
    ]);
    expect(third.body.next).to.equal(null);
    expect((await send(first.body.next.replace('/api/v1', '').replace('operation=', 'who='))).status, 'another list').to.equal(
      400,
    );
    const time = (seconds: number): string => new Date(Date.UTC(2026, 0) + seconds * 1_000).toISOString();
    expect(targets(await trail(`?after=${time(1)}&before=${time(3)}`))).to.deep.equal(['r2', 'r1']);
    expect(targets(await trail(`?target=r0&target=r3`))).to.deep.equal(['r3', 'r0']);
  });

  it('say that something has begun when it is not known how it ended, and do nothing that cannot be written down', async () => {
    const failing = { ...guarded.store.trail, settle: () => Promise.reject(new Error('away')) };
    const other = await guarded.open({}, { store: { ...guarded.store, trail: failing } });
    const answer = await guarded.send(other, '/resources/a', { method: 'PUT', body: { capacity: 1 }, token: admin });
    expect(answer.status).to.equal(201);
    expect((await trail()).map(({ outcome }) => outcome)).to.deep.equal(['begun']);

    const mute = { ...guarded.store.trail, append: () => Promise.reject(new Error('away')) };
    const third = await guarded.open({}, { store: { ...guarded.store, trail: mute } });
    expect((await guarded.send(third, '/resources/b', { method: 'PUT', body: { capacity: 1 }, token: admin })).status).to.equal(
      500,
    );
    expect((await guarded.store.capacities.of(['b'])).size).to.equal(0);
  });

  it('keep what was done without a token as local', async () => {
    const alone = new Guarded();
    const open = await alone.open();
    await alone.send(open, '/tokens', { body: { name: 'first', role: 'admin' } });
    expect(
      (await alone.store.trail.list({}, 9)).map(({ who, operation, expiresAt }) => [who, operation, expiresAt]),
    ).to.deep.equal([['local', 'createToken', new Date(alone.db.now().getTime() + 3_600_000)]]);
    await alone.close();
  });

  it('stand for who submits: an idempotency key is its own', async () => {
    const tokens = [await guarded.token('a', 'submit'), await guarded.token('b', 'submit')];
    const submit = async (n: number): Promise<string> => {
      const asking = { token: tokens[n]!.text, body: { name: 'anything' }, headers: { 'idempotency-key': 'same' } };
      return (await guarded.send(app, '/tasks', asking)).body.id;
    };
    const [first, again, other] = [await submit(0), await submit(0), await submit(1)];
    expect(again).to.equal(first);
    expect(other).to.not.equal(first);
    const id = first;
    await guarded.send(app, `/tasks/${id}/cancel`, { method: 'POST', token: tokens[1]!.text });
    expect(guarded.db.task(id)?.cancel?.by).to.equal('token b');
  });
});

describe('The list of resources, and their release', () => {
  let guarded: Guarded;
  let app: ApiServer;
  beforeEach(async () => {
    guarded = new Guarded();
    app = await guarded.open();
  });
  afterEach(() => guarded.close());

  async function reserve(name: string, shared = false): Promise<string> {
    const change = { ...(shared ? { shared: [name] } : { exclusive: [name] }), waitingFor: 'resources' as const };
    const task = newTask(change);
    await guarded.store.tasks.insert([task], await guarded.store.tasks.takeNumbers(1));
    return task.id;
  }
  async function grant(...ids: string[]): Promise<void> {
    const lease = (await guarded.store.leases.acquire('resource-manager', { name: 'rm', incarnation: 'rm/1' }, 60_000))!;
    const tasks = await Promise.all(ids.map(async id => (await guarded.store.tasks.get(id))!));
    expect((await guarded.store.grants.grant(lease, tasks)).kind).to.equal('granted');
  }

  it('show who holds what, how many wait, and since when', async () => {
    const holder = await reserve('disk');
    await grant(holder);
    guarded.nowMs += 5_000;
    await reserve('disk');
    await reserve('disk');
    await reserve('zoo/**');
    guarded.nowMs += 2_000;
    const { body } = await guarded.send(app, '/resources?limit=1');
    expect(body.items).to.deep.equal([
      {
        name: 'disk',
        href: '/api/v1/resources/disk',
        holders: [{ task: holder, worker: null, since: new Date(Date.UTC(2026, 0)).toISOString() }],
        holding: 1,
        waiting: 2,
        oldest: new Date(Date.UTC(2026, 0) + 5_000).toISOString(),
        oldestSeconds: 2,
      },
    ]);
    const rest = await guarded.send(app, body.next.replace('/api/v1', ''));
    expect(rest.body.items.map(({ name }) => name)).to.deep.equal(['zoo/**']);
    expect(rest.body.next).to.equal(null);
  });

  it('cancels all who hold it and nobody else, and writes that down', async () => {
    const holders = [await reserve('disk', true), await reserve('disk', true)];
    await grant(...holders);
    const waiting = await reserve('disk');
    const answer = await guarded.send(app, '/resources/disk/release', { method: 'POST' });
    expect([answer.status, answer.body]).to.deep.equal([202, { name: 'disk', canceled: holders }]);
    for (const id of holders) expect(guarded.db.task(id)?.state).to.equal('canceled');
    expect(guarded.db.task(waiting)?.state).to.equal('waiting');
    const [entry] = await guarded.store.trail.list({}, 9);
    expect(entry).to.include({
      operation: 'releaseResource',
      target: 'disk',
      detail: `tasks=${holders.join(',')}`,
      outcome: 'done',
    });
  });

  it('is refused where nobody holds it, and where nobody knows it', async () => {
    const id = await reserve('idle');
    const idle = await guarded.send(app, '/resources/idle/release', { method: 'POST', body: {} });
    expect([idle.status, idle.body.code]).to.deep.equal([409, 'CONFLICT']);
    expect(idle.body.detail).to.include(id);
    guarded.nowMs += 1; // no two entries of the trail have the same time
    const unknown = await guarded.send(app, '/resources/nobody/release', { method: 'POST' });
    expect([unknown.status, unknown.body.code]).to.deep.equal([404, 'MISSING_RESOURCE']);
    expect((await guarded.send(app, '/resources/idle/release', { body: { force: true } })).status).to.equal(400);
    const entries = await guarded.store.trail.list({}, 9);
    expect(entries.map(({ target, outcome, status }) => [target, outcome, status])).to.deep.equal([
      ['nobody', 'refused', 404],
      ['idle', 'refused', 409],
    ]);
  });
});
