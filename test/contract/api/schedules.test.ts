import { expect } from 'chai';
import type { Answer, Asking } from './fixture.js';
import { apiOnMongo } from './on-mongo.js';

const HOUR = 3_600_000;

describe('The API on MongoDB, schedules', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const send = (path: string, asking?: Asking): Promise<Answer> => api.send(path, asking);
  const task = { name: 'anything' };
  const add = (body: object): Promise<Answer> => send('/schedules', { body: { name: 'nightly', task, interval: 30, ...body } });
  const cron = (body: object): Promise<Answer> => add({ interval: undefined, cron: '30 2 * * *', ...body });
  const patch = (id: string, body: object, headers = {}): Promise<Answer> =>
    send(`/schedules/${id}`, { method: 'PATCH', body, headers });

  it('begin now without an anchor, and on the grid with one', async () => {
    const now = await add({ interval: 'PT30S' });
    expect([now.status, now.headers.location]).to.deep.equal([201, `/api/v1/schedules/${now.body.id}`]);
    expect(now.body).to.deep.include({ interval: 30, misfire: 'one', task, lastTask: null, nextAt: now.body.anchor });
    expect(now.body).to.deep.include({ state: 'active', overlap: 'allow', cron: null, remainingRuns: null, paused: null });
    const { now: serverNow, schedules } = await api.store().schedules.due(10);
    expect(schedules.map(({ id }) => id)).to.deep.equal([now.body.id]);
    expect(serverNow.getTime()).to.be.at.least(schedules[0]!.nextAt!.getTime());

    const past = await add({ name: 'past', interval: 3_600, anchor: '2020-01-01T00:30:00Z', misfire: 'skip' });
    expect(past.body.nextAt).to.match(/:30:00\.000Z$/);
    const future = await add({ name: 'future', anchor: '2030-01-01T00:00:00Z' });
    expect(future.body.nextAt).to.equal('2030-01-01T00:00:00.000Z');
  });

  it('are given by cron with a zone, and by an ISO 8601 repeating interval', async () => {
    const nightly = await cron({ timezone: 'Europe/Berlin', overlap: 'skip', failureThreshold: 3, remainingRuns: 7 });
    expect(nightly.body).to.deep.include({ cron: '30 2 * * *', timezone: 'Europe/Berlin', interval: null, anchor: null });
    expect(nightly.body).to.deep.include({ overlap: 'skip', failureThreshold: 3, remainingRuns: 7 });
    expect(nightly.body.nextAt).to.match(/T0[01]:30:00\.000Z$/);
    const repeated = await add({ name: 'r', interval: undefined, iso8601: 'R5/2099-01-01T00:00:00Z/P1M' });
    expect(repeated.body).to.deep.include({ iso8601: 'R5/2099-01-01T00:00:00Z/P1M', nextAt: '2099-01-01T00:00:00.000Z' });
    const slots = (await send(`/schedules/${repeated.body.id}/next?count=50`)).body.items;
    expect(slots.map(({ slot }) => slot.slice(0, 10))).to.deep.equal(['01', '02', '03', '04', '05'].map(m => `2099-${m}-01`));
  });

  const refused: [what: string, body: object, pointer: string, detail: RegExp][] = [
    ['two rules', { cron: '* * * * *' }, '/cron', /interval or cron, not both/],
    ['none', { interval: undefined }, '', /one of interval, cron and iso8601/],
    ['a bad expression', { interval: undefined, cron: '61 * * * *' }, '/cron', /minute "61"/],
    ['a day that never comes', { interval: undefined, cron: '0 0 30 2 *' }, '/cron', /names no time that is still to come/],
    ['an unknown zone', { interval: undefined, cron: '@daily', timezone: 'Mars/Olympus' }, '/timezone', /no time zone/],
    ['a zone without cron', { timezone: 'UTC' }, '/timezone', /belongs to cron/],
    [
      'an anchor without interval',
      { interval: undefined, cron: '@daily', anchor: '2026-01-01T00:00:00Z' },
      '/anchor',
      /belongs to an interval/,
    ],
    [
      'repetitions that are over',
      { interval: undefined, iso8601: 'R2/2020-01-01T00:00:00Z/PT1H' },
      '/iso8601',
      /names no time that is still to come/,
    ],
    [
      'an interval of nothing',
      { interval: undefined, iso8601: 'R/2020-01-01T00:00:00Z/PT0S' },
      '/iso8601',
      /at least one second/,
    ],
    [
      'an end before its start',
      { interval: undefined, iso8601: 'R/2020-01-01T00:00:00Z/2019-01-01T00:00:00Z' },
      '/iso8601',
      /at least/,
    ],
    ['no repetition', { interval: undefined, iso8601: 'PT1H' }, '/iso8601', /expected R/],
    ['a contradiction', { misfire: 'all', overlap: 'skip' }, '/overlap', /contradicts/],
    ['no runs at all', { remainingRuns: 0 }, '/remainingRuns', /1/],
  ];
  for (const [what, body, pointer, detail] of refused) {
    it(`refuse ${what}`, async () => {
      const answer = await add(body);
      expect([answer.status, answer.body.errors[0]?.pointer]).to.deep.equal([400, pointer]);
      expect(answer.body.errors[0]?.detail).to.match(detail);
      expect((await send('/schedules')).body.items).to.deep.equal([]);
    });
  }

  it('have names of their own', async () => {
    await add({});
    const second = await add({});
    expect([second.status, second.body.code]).to.deep.equal([409, 'CONFLICT']);
    const other = (await add({ name: 'other' })).body;
    expect((await patch(other.id, { name: 'nightly' })).body.code).to.equal('CONFLICT');
  });

  it('are listed page by page, read and ended', async () => {
    const { body } = await add({});
    const second = (await add({ name: 'second' })).body;
    const path = `/schedules/${body.id}`;
    const first = (await send('/schedules?limit=1')).body;
    expect(first.items).to.deep.equal([body]);
    expect((await send(first.next.replace('/api/v1', ''))).body).to.deep.include({ items: [second], next: null });
    expect((await send(path)).body).to.deep.equal(body);
    expect((await send(path, { method: 'DELETE' })).status).to.equal(204);
    expect((await send(path, { method: 'DELETE' })).status).to.equal(404);
    expect((await send(path)).status).to.equal(404);
  });

  it('change only as those that were read, and never into the past', async () => {
    const { body, headers } = await add({ interval: 3_600, anchor: '2020-01-01T00:30:00Z' });
    expect(headers.etag).to.equal('"1"');
    const half = await patch(body.id, { interval: 1_800 }, { 'if-match': '"1"' });
    expect([half.status, half.headers.etag]).to.deep.equal([200, '"2"']);
    expect(half.body).to.deep.include({ interval: 1_800, anchor: '2020-01-01T00:30:00.000Z', revision: 2 });
    expect(Date.parse(half.body.nextAt!)).to.be.greaterThan((await api.store().schedules.now()).getTime() - 1);
    const late = await patch(body.id, { interval: 10 }, { 'if-match': '"1"' });
    expect([late.status, late.body.code]).to.deep.equal([412, 'PRECONDITION_FAILED']);
    const removal = await send(`/schedules/${body.id}`, { method: 'DELETE', headers: { 'if-match': '"1"' } });
    expect(removal.status).to.equal(412);
    const daily = await patch(body.id, { cron: '@daily', timezone: 'Asia/Kolkata', failureThreshold: 2, remainingRuns: 4 });
    expect(daily.body).to.deep.include({ cron: '@daily', interval: null, anchor: null, failureThreshold: 2, remainingRuns: 4 });
    expect(daily.body.nextAt).to.match(/T18:30:00/);
    const there = await patch(body.id, { timezone: 'UTC', failureThreshold: null, remainingRuns: null });
    expect(there.body).to.deep.include({ cron: '@daily', timezone: 'UTC', failureThreshold: null, remainingRuns: null });
    expect((await patch(body.id, {})).status).to.equal(400);
    expect((await patch(body.id, { task: { name: 'nope' } })).body.errors[0]?.pointer).to.equal('/task/name');
    expect((await patch(body.id, { anchor: '2026-01-01T00:00:00Z' })).status).to.equal(400);
    expect((await send(`/schedules/${body.id}`, { method: 'DELETE', headers: { 'if-match': '*' } })).status).to.equal(204);
  });

  it('are paused with a reason and go on in the future, and both may be repeated', async () => {
    const { body } = await add({ interval: 3_600 });
    const path = `/schedules/${body.id}`;
    const paused = (await send(`${path}/pause`, { body: { reason: 'holiday' } })).body;
    expect(paused).to.deep.include({ state: 'paused', nextAt: null, revision: 2 });
    expect(paused).to.have.nested.property('paused.reason', 'holiday');
    expect((await send(`${path}/pause`, { method: 'POST' })).body).to.deep.equal(paused);
    expect((await send(`${path}/next`)).body.items).to.deep.equal([]);
    expect((await api.store().schedules.due(10)).schedules).to.deep.equal([]);
    const back = (await send(`${path}/resume`, { method: 'POST', headers: { 'if-match': '"2"' } })).body;
    expect(back).to.deep.include({ state: 'active', paused: null, revision: 3 });
    expect(Date.parse(back.nextAt!)).to.equal(Date.parse(body.anchor) + HOUR);
    expect((await send(`${path}/resume`, { method: 'POST' })).body).to.deep.equal(back);
    expect((await send(`/schedules/none/pause`, { method: 'POST' })).status).to.equal(404);
  });

  it('run now beside their slots', async () => {
    const { body } = await add({
      interval: 3_600,
      anchor: '2030-01-01T00:00:00Z',
      remainingRuns: 1,
      task: { ...task, tags: ['a'] },
    });
    const ask = { method: 'POST' as const, headers: { 'idempotency-key': 'k' } };
    const run = await send(`/schedules/${body.id}/run`, ask);
    expect([run.status, run.headers.location]).to.deep.equal([202, `/api/v1/tasks/${run.body.id}`]);
    expect(run.body).to.deep.include({ name: 'anything', schedule: null, tags: ['a', 'schedule:nightly'] });
    const again = await send(`/schedules/${body.id}/run`, ask);
    expect([again.body.id, again.headers['idempotency-replayed']]).to.deep.equal([run.body.id, 'true']);
    expect((await send('/tasks?tag=schedule:nightly')).body.items.map(({ id }) => id)).to.deep.equal([run.body.id]);
    expect((await send(`/schedules/${body.id}`)).body).to.deep.equal(body);
  });

  it('show their next slots, and whom they meet over what', async () => {
    const at = (resources: object) => ({ task: { ...task, ...resources } });
    const { body } = await cron({ name: 'a', timezone: 'Europe/Berlin', ...at({ exclusive: ['repo'], shared: ['disk'] }) });
    await cron({ name: 'near', cron: '31 2 * * *', timezone: 'Europe/Berlin', ...at({ shared: ['repo', 'disk'] }) });
    await cron({ name: 'far', cron: '0 5 * * *', timezone: 'Europe/Berlin', ...at({ exclusive: ['repo'] }) });
    await cron({ name: 'readers', timezone: 'Europe/Berlin', ...at({ shared: ['disk'] }) });
    const stopped = (await cron({ name: 'stopped', timezone: 'Europe/Berlin', ...at({ exclusive: ['repo'] }) })).body;
    await send(`/schedules/${stopped.id}/pause`, { method: 'POST' });
    const preview = (await send(`/schedules/${body.id}/next?count=3`)).body;
    expect(preview).to.deep.include({ timezone: 'Europe/Berlin', complete: true });
    expect(preview.items).to.have.length(3);
    for (const { slot, local, conflicts } of preview.items) {
      expect(local).to.match(/T02:30:00\+0[12]:00$|T03:00:00\+02:00$/);
      expect(Date.parse(local)).to.equal(Date.parse(slot));
      expect(conflicts.map(each => [each.schedule.name, each.resources])).to.deep.equal([['near', ['repo']]]);
    }
    const strict = (await send(`/schedules/${body.id}/next?count=1&within=59`)).body.items[0]!;
    expect(strict.conflicts).to.deep.equal([]);
    expect((await send(`/schedules/${body.id}/next?count=51`)).status).to.equal(400);
    expect((await send(`/schedules/none/next`)).status).to.equal(404);
  });
});
