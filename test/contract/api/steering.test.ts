import { expect } from 'chai';

import { nextWish } from '../../../src/core/command.js';
import type { Told } from '../../../src/core/process.js';
import { registration } from '../store/support.js';
import { until } from '../../support/wait.js';
import type { Answer } from './fixture.js';
import { apiOnMongo } from './on-mongo.js';

const LEASE = { ttlMs: 60_000, deadlineMs: 4_000 };

describe('The API on MongoDB, steering workers', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send } = api;

  const register = async (name: string, change: object = {}): Promise<string> => {
    const mine = registration({ name, ...change });
    await api.store().processes.register(mine, 60_000);
    return mine.incarnation;
  };
  const post = (path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> =>
    send(path, { method: 'POST', ...(body && { body }), headers });
  const wishOf = async (name: string) => (await api.store().processes.get(name))?.wish;
  /** As a worker that does what it is asked. */
  const obey = async (name: string, incarnation: string, more: Partial<Told> = {}): Promise<unknown> =>
    until('there is a wish', async () => {
      const wish = await wishOf(name);
      return wish && api.store().processes.beat(name, incarnation, LEASE, { heeded: wish.n, paused: wish.paused, ...more });
    });

  it('writes what is wanted into the record, says so to all, and tells who has not done it yet', async () => {
    const incarnation = await register('w1');
    const paused = await post('/workers/w1/pause');
    expect([paused.status, paused.body]).to.deep.equal([202, { asked: 1, answered: 0, silent: ['w1'] }]);
    expect(await wishOf('w1')).to.include({ n: 1, paused: true });
    expect(api.broker().controls).to.deep.include({ kind: 'wish', worker: 'w1' });
    await obey('w1', incarnation);
    expect((await send('/workers/w1')).body).to.deep.include({ paused: true, freeSlots: 0, obeyed: true });
    await post('/workers/w1/shutdown', { stage: 'soft' });
    expect(await wishOf('w1')).to.deep.include({ paused: true, shutdown: { incarnation, stage: 'soft' } });
    expect((await send('/workers/w1')).body).to.deep.include({ obeyed: false });
  });

  it('waits for those that do it, as long as asked', async () => {
    const one = await register('w1');
    await register('w2');
    const waiting = post('/workers/actions', { action: 'drain' }, { prefer: 'wait=2' });
    await obey('w1', one);
    const { status, body, headers } = await waiting;
    expect([status, headers['preference-applied'], body]).to.deep.equal([
      202,
      'wait=2',
      { asked: 2, answered: 1, silent: ['w2'] },
    ]);
    const ended = post('/workers/w2/shutdown', undefined, { prefer: 'wait=30' });
    await until('the wish', async () => (await wishOf('w2'))?.shutdown);
    const { incarnation } = (await api.store().processes.get('w2'))!;
    await api.store().processes.stop('w2', incarnation);
    expect((await ended).body, 'one that has ended').to.deep.equal({ asked: 1, answered: 1, silent: [] });
  });

  it('counts growth, and refuses what no pool can have, whatever the names, before anything is written', async () => {
    await register('w1', { slots: 4 });
    await register('w2', { slots: 510, pool: 'prefork' });
    await post('/workers/w1/pool', { grow: 3 });
    await post('/workers/w1/pool', { shrink: 2 });
    expect((await wishOf('w1'))?.slots?.count).to.equal(5);
    const many = await post('/workers/actions', { action: 'pool', grow: 3, names: ['w1', 'w2'] });
    expect([many.status, many.body.code, many.body.errors[0]?.pointer]).to.deep.equal([400, 'VALIDATION_FAILED', '/grow']);
    expect((await wishOf('w1'))?.n).to.equal(2);
  });

  it('refuses a name that nobody has, and a worker that is not live, before anybody is asked', async () => {
    await register('w1');
    const gone = await register('gone');
    await api.store().processes.stop('gone', gone);
    await register('api-1', { role: 'api' });
    const before = api.broker().controls.length;
    for (const [names, status, code] of [
      [['w1', 'nobody'], 404, 'MISSING_RESOURCE'],
      [['w1', 'api-1'], 404, 'MISSING_RESOURCE'],
      [['w1', 'gone'], 409, 'CONFLICT'],
    ] as const) {
      const answer = await post('/workers/actions', { action: 'pause', names: [...names] });
      expect([answer.status, answer.body.code], names.join()).to.deep.equal([status, code]);
    }
    expect((await post('/workers/gone/resume')).status).to.equal(409);
    expect(await wishOf('w1')).to.equal(undefined);
    expect(api.broker().controls).to.have.length(before);
  });

  it('refuses what is no command', async () => {
    await register('w1');
    for (const [path, body, pointer] of [
      ['/workers/w1/pool', {}, ''],
      ['/workers/w1/pool', { slots: 1, grow: 1 }, ''],
      ['/workers/w1/pool', { slots: 0 }, '/slots'],
      ['/workers/w1/pool', { slots: 1.5 }, '/slots'],
      ['/workers/w1/shutdown', { stage: 'hot' }, '/stage'],
      ['/workers/w1/pause', { for: 3 }, '/for'],
      ['/workers/actions', { action: 'explode' }, '/action'],
      ['/workers/actions', { action: 'pause', slots: 3 }, '/slots'],
      ['/workers/actions', { action: 'pause', stage: 'warm' }, '/stage'],
      ['/workers/actions', { action: 'pause', names: [] }, '/names'],
      ['/workers/actions', { action: 'pool' }, ''],
    ] as const) {
      const { status, body: problem } = await post(path, body);
      expect([status, problem.code, problem.errors[0]?.pointer], JSON.stringify(body)).to.deep.equal([
        400,
        'VALIDATION_FAILED',
        pointer,
      ]);
    }
    expect(await wishOf('w1')).to.equal(undefined);
  });

  it('shows what a worker tells of itself, and what is bound to it', async () => {
    const incarnation = await register('w1');
    const stats = {
      ...{ busy: 1, ahead: 0, children: 4, residentMiB: 70, childrenMiB: 210 },
      tasksRun: 12,
      uptimeSeconds: 60,
      loopUse: 0.01,
    };
    await api
      .store()
      .processes.beat('w1', incarnation, LEASE, { stats, types: ['a', 'b@3'], unfamiliar: ['c@2'], pool: 'prefork' });
    const { body } = await send('/workers/w1');
    expect(body).to.deep.include({
      pool: 'prefork',
      unfamiliar: ['c@2'],
      types: [
        { name: 'a', version: null },
        { name: 'b', version: 3 },
      ],
      reserved: [],
      running: [],
    });
    expect((body as unknown as { stats: object }).stats).to.include(stats);
    expect(nextWish((await api.store().processes.get('w1'))!, { action: 'pause' }, 'id')).to.include({ n: 1 });
  });
});
