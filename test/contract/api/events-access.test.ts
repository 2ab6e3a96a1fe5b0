import { expect } from 'chai';

import { Api } from '../../../src/api/api.js';
import { DEFAULT_EVENT_LIMITS } from '../../../src/api/events/limits.js';
import { EventStream } from '../../support/event-stream.js';
import { until } from '../../support/wait.js';
import { Guarded } from './access-fixture.js';
import { BASE } from './event-streams.js';
import { depsOn } from './fixture.js';

describe('A stream of events that a token has opened', () => {
  const guarded = new Guarded();
  let api: Api;

  before(async () => {
    api = new Api(depsOn(guarded.store, { eventLimits: { ...DEFAULT_EVENT_LIMITS, liveMs: 50, heartbeatMs: 50 } }).deps);
    await api.start();
  });
  after(() => api.stop());

  const open = (text: string): Promise<EventStream> =>
    EventStream.open(`${api.url}${BASE}/events`, { authorization: `Bearer ${text}` });

  it('ends when the token is revoked, and nobody else’s does', async () => {
    const [admin, other] = [await guarded.token('admin', 'admin'), await guarded.token('other', 'read')];
    const [kept, ended] = [await open(admin.text), await open(other.text)];
    await until('a heartbeat each', () => kept.lastId !== '' && ended.lastId !== '');
    const headers = { authorization: `Bearer ${admin.text}` };
    const revoked = await fetch(`${api.url}${BASE}/tokens/${other.id}`, { method: 'DELETE', headers });
    expect(revoked.status).to.equal(204);
    await ended.ends();
    const again = await open(other.text);
    expect(again.status).to.equal(401);
    const beats = kept.text.length;
    await until('another heartbeat of the one that stays', () => kept.text.length > beats);
    expect(kept.over).to.equal(false);
    kept.leave();
  });

  it('ends when the token expires', async () => {
    const short = await guarded.token('short', 'read', 1);
    const stream = await open(short.text);
    await until('a heartbeat', () => stream.lastId !== '');
    await stream.ends();
  });
});
