import { expect } from 'chai';

import { MAINTENANCE_AGE_MS } from '../../../src/core/maintenance.js';
import type { Answer, Asking } from './fixture.js';
import { openApi } from './fixture.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, in maintenance', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send } = api;

  const turn = (on: boolean, more: object = {}): Promise<Answer> => send('/maintenance', { body: { on, ...more } });
  const task = { name: 'anything' };
  afterEach(() => turn(false));

  it('refuses what would make tasks, everywhere, and serves everything else', async () => {
    const before = await api.idOf(task);
    const schedule = (await send('/schedules', { body: { name: 'hourly', task, cron: '0 * * * *' } })).body;
    const closed = await turn(true, { reason: 'new disks' });
    expect(closed.status).to.equal(200);
    expect(closed.body).to.deep.include({ on: true, by: 'anonymous', reason: 'new disks', delays: null });
    const { app } = openApi(api.store());
    const other = await app.inject({ method: 'POST', url: '/api/v1/tasks', payload: task });
    await app.close();
    expect([other.statusCode, other.json<{ code: string }>().code]).to.deep.equal([503, 'MAINTENANCE']);
    const refused: [string, Asking][] = [
      ['/tasks', { body: task }],
      ['/tasks', { body: task, headers: { 'idempotency-key': 'k' } }],
      ['/tasks/batch', { body: { tasks: [task, task] } }],
      ['/workflows', { body: { tasks: { a: task } } }],
      ['/task-groups', { body: {} }],
      [`/schedules/${schedule.id}/run`, { method: 'POST' }],
    ];
    for (const [path, asking] of refused) {
      const { status, body, headers } = await send(path, asking);
      expect([status, body.code, headers['retry-after']], path).to.deep.equal([503, 'MAINTENANCE', '30']);
      expect(body.detail).to.match(/^No new tasks are taken since 20.* \(new disks\)\./);
    }
    expect(await api.stored()).to.equal(1);
    expect((await send('/task-groups')).body.items).to.deep.equal([]);
    for (const path of [`/tasks/${before}`, '/tasks', '/schedules', '/workers', `/tasks/${before}/explain`])
      expect((await send(path)).status, path).to.equal(200);
    expect((await send('/tasks?dryRun=true', { body: task })).status).to.equal(200);
    expect((await send(`/tasks/${before}/cancel`, { method: 'POST' })).status).to.equal(202);
    expect((await send('/status')).body).to.deep.include({ maintenance: { ...noteOf(closed) } });
  });

  it('takes new tasks again, everywhere within a second', async () => {
    const began = performance.now();
    await turn(true);
    expect(performance.now() - began, 'other APIs know by now').to.be.at.least(MAINTENANCE_AGE_MS - 5);
    const opened = await turn(false);
    expect(opened.body).to.deep.include({ on: false, since: null, by: null, reason: null });
    expect((await api.submit(task)).status).to.equal(202);
    expect((await send('/status')).body).to.deep.include({ maintenance: null });
  });

  it('shows what has not ended', async () => {
    await api.submit(task);
    await api.submit({ ...task, countdown: 3_600 });
    const { body } = await send('/maintenance');
    const { open, delays } = body as unknown as { open: { waiting: object }; delays: { first: string; last: string } };
    expect(open).to.deep.include({ running: 0, canceling: 0 });
    expect(open.waiting).to.deep.include({ worker: 1, delay: 1, resources: 0 });
    expect(Date.parse(delays.first)).to.be.greaterThan(Date.now() + 3_000_000);
    expect(delays.last).to.equal(delays.first);
  });

  it('names each bad field', async () => {
    for (const [body, pointer] of [
      [{}, '/on'],
      [{ on: 'yes' }, '/on'],
      [{ on: true, reason: '' }, '/reason'],
      [{ on: true, reason: 'x'.repeat(501) }, '/reason'],
      [{ on: true, why: 'x' }, '/why'],
    ] as const) {
      const answer = await send('/maintenance', { body });
      expect([answer.status, answer.body.errors[0]?.pointer]).to.deep.equal([400, pointer]);
    }
  });

  function noteOf({ body }: Answer): object {
    const { since, by, reason } = body as unknown as { since: string; by: string; reason: string };
    return { since, by, reason };
  }
});
