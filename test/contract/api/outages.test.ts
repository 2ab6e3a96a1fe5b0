import { expect } from 'chai';

import { StoreError } from '../../../src/core/errors.js';
import { system } from '../../../src/process/system.js';
import { ask, openApi, type Opened } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

describe('The API, when something it needs is away', () => {
  const opened: Opened[] = [];
  const open = (...given: Parameters<typeof openApi>): Opened => {
    const api = openApi(...given);
    opened.push(api);
    return api;
  };
  after(() => Promise.all(opened.map(({ app }) => app.close())));

  const now = () => Promise.resolve(new Date());
  const never = () => new Promise<never>(() => undefined);
  const id = '01890000-0000-7000-8000-000000000000';

  for (const [path, asking] of [
    ['/tasks', { body: { name: 'anything' } }],
    ['/tasks', {}],
    ['/tasks/summary', {}],
    [`/tasks/${id}`, {}],
    [`/tasks/${id}/explain`, {}],
    [`/tasks/${id}/cancel`, { method: 'POST' }],
    [`/tasks/${id}`, { method: 'DELETE' }],
    ['/tasks?state=failed&finishedBefore=2026-01-01T00:00:00Z', { method: 'DELETE' }],
    ['/resources/a', {}],
    ['/workers', {}],
    ['/queues', {}],
    ['/schedules', {}],
  ] as const) {
    it(`answers ${JSON.stringify(asking)} ${path} with 503 when the database is away, and tells nothing of it`, async () => {
      const { app, logged } = open(scriptedStore().store);
      const answer = await ask(app, path, asking);
      expect([answer.status, answer.body.code]).to.deep.equal([503, 'STORE_UNAVAILABLE']);
      expect(Number(answer.headers['retry-after'])).to.be.greaterThan(0);
      expect(answer.body.detail).to.equal('The database does not answer. Nothing was changed; try again.');
      expect(logged()).to.include('ECONNREFUSED').and.include(answer.headers['x-request-id']);
    });
  }

  it('says that a submission may have been stored when the database did not answer clearly', async () => {
    const insert = () => Promise.reject(new StoreError('MongoDB, insert: no answer within 10000 ms', 'unknown'));
    const { store } = scriptedStore({ schedules: { now }, tasks: { takeNumbers: () => Promise.resolve(1), insert } });
    const answer = await ask(open(store).app, '/tasks', { body: { name: 'anything' } });
    expect([answer.status, answer.body.code]).to.deep.equal([503, 'STORE_UNAVAILABLE']);
    expect(answer.body.detail).to.include('may have happened').and.include('Idempotency-Key');
  });

  it('hides what a bug says, and logs it under the id that the client gets', async () => {
    const { store } = scriptedStore({ tasks: { countByState: () => Promise.reject(new TypeError('secret internals')) } });
    const { app, logged } = open(store);
    const answer = await ask(app, '/tasks/summary', { headers: { 'x-request-id': 'the-request' } });
    expect([answer.status, answer.body.code, answer.body.instance]).to.deep.equal([500, 'INTERNAL_ERROR', 'the-request']);
    expect(JSON.stringify(answer.body)).to.not.include('secret');
    expect(logged()).to.include('secret internals').and.include('"correlationId":"the-request"');
  });

  it('still gives its status, and says what is missing', async () => {
    const { app, broker } = open(scriptedStore().store);
    broker.state = 'connecting';
    const { status, body } = await ask(app, '/status');
    expect(status).to.equal(200);
    expect(body).to.deep.include({ healthy: false, workers: [], resourceManagers: [], beats: [] });
    expect(body.databaseConnection).to.deep.equal({ connected: false, version: null, pingMs: null });
    expect(body.brokerConnection).to.include({ connected: false, state: 'connecting' });
    expect(body.reasons).to.deep.equal(['MongoDB does not answer.', 'RabbitMQ is not reached (connecting).']);
  });

  it('gives its status in three seconds when the database hangs, with one probe for all who ask', async () => {
    const { store, calls } = scriptedStore({ ping: never, processes: { list: never } });
    const { app } = open(store);
    const begin = system.clock.monotonicMs();
    const answers = await Promise.all([ask(app, '/status'), ask(app, '/status'), ask(app, '/status')]);
    expect(system.clock.monotonicMs() - begin).to.be.lessThan(8_000); // 2.5 s; the rest is for a slow machine
    expect(answers.map(answer => answer.body.databaseConnection.connected)).to.deep.equal([false, false, false]);
    expect(calls.filter(call => call === 'ping')).to.have.length(1);
  });

  it('is live but not ready without the database, and ready without the broker', async () => {
    const without = open(scriptedStore().store);
    expect((await ask(without.app, '/livez')).status).to.equal(200);
    const notReady = await ask(without.app, '/readyz');
    expect([notReady.status, notReady.body.ready, notReady.body.checks.database]).to.deep.equal([503, false, false]);

    const ping = () => Promise.resolve({ version: '7', pingMs: 1 });
    const ready = open(scriptedStore({ ping: ping }).store);
    ready.broker.state = 'connecting';
    const answer = await ask(ready.app, '/readyz');
    expect([answer.status, answer.body.checks]).to.deep.equal([200, { database: true, broker: false, draining: false }]);
  });

  it('accepts a submission while the broker is away: it is stored, and found without a hint', async () => {
    const inserted: { name: string }[] = [];
    const insert = (tasks: readonly { name: string }[]) => {
      inserted.push(...tasks);
      return Promise.resolve(tasks.map(task => ({ kind: 'stored', task: { ...task, seq: 1, createdAt: new Date() } })));
    };
    const tasks = { takeNumbers: () => Promise.resolve(1), ...({ insert } as object) };
    const { app, broker, logged } = open(scriptedStore({ schedules: { now }, tasks }).store);
    broker.state = 'connecting';
    const answer = await ask(app, '/tasks', { body: { name: 'anything' } });
    expect([answer.status, answer.body.state, answer.body.waitingFor]).to.deep.equal([202, 'waiting', 'worker']);
    expect([inserted.map(({ name }) => name), broker.published]).to.deep.equal([['anything'], 0]);
    expect(logged()).to.not.include('"level":"error"');
  });

  it('answers a submission that was stored even when the database goes away while it is waited for', async () => {
    const stored = {
      insert: (tasks: readonly object[]) =>
        Promise.resolve(tasks.map(task => ({ kind: 'stored', task: { ...task, seq: 1, createdAt: new Date() } }))),
    };
    const { store } = scriptedStore({
      schedules: { now },
      tasks: { takeNumbers: () => Promise.resolve(1), ...(stored as object) },
    });
    const answer = await ask(open(store).app, '/tasks', { body: { name: 'anything' }, headers: { prefer: 'wait=1' } });
    expect([answer.status, answer.body.state]).to.deep.equal([202, 'waiting']);
  });
});
