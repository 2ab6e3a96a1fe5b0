import { expect } from 'chai';

import { someEvent, someTask } from '../../support/events.js';
import { until } from '../../support/wait.js';
import { BASE, EventStreams } from './event-streams.js';

describe('Streams of events', function () {
  this.timeout(60_000);
  const at = new EventStreams();

  describe('of everything', () => {
    beforeEach(() => at.start());

    it('say what matches, from when they are open', async () => {
      at.broker.emit(someEvent(1));
      const all = await at.open('/events');
      const some = await at.open('/events?state=completed&state=failed&name=work&tag=b');
      at.broker.emit(someEvent(2));
      at.broker.emit(someEvent(2, { state: 'completed' }));
      at.broker.emit(someEvent(3, { state: 'failed', name: 'other' }));
      await all.has(['2 running', '2 completed', '3 failed']);
      await some.has(['2 completed']);
      expect(all.received[0]).to.deep.include({
        event: 'task',
        data: { ...all.received[0]!.data, id: someTask(2).id, worker: 'w1', cut: [] },
      });
      const { headers } = all;
      expect([headers['content-type'], headers['cache-control']]).to.deep.equal(['text/event-stream', 'no-store']);
      expect(headers['x-request-id']).to.be.a('string');
      expect(all.text).to.match(/^retry: 2000\nid: \w+-0\n\n/);
    });

    it('go on after the last event that was seen, also where another one came between', async () => {
      const first = await at.open('/events');
      at.broker.emit(someEvent(1));
      await first.has(['1 running']);
      first.leave();
      at.broker.emit(someEvent(2, { state: 'completed' }));
      at.broker.listener?.missed('dropped');
      at.broker.emit(someEvent(3));
      const again = await at.open('/events?state=completed', { 'last-event-id': first.lastId });
      await again.has(['2 completed', 'resync dropped']);
      const other = await at.open(`/events?lastEventId=${first.lastId}`);
      await other.has(['2 completed', 'resync dropped', '3 running']);
    });

    it('tell whoever names an event that is not known here, and then go on', async () => {
      for (const id of ['other-7', 'x', '💥'.repeat(20)]) {
        const stream = await at.open('/events', { 'last-event-id': encodeURIComponent(id) });
        at.broker.emit(someEvent(1));
        await stream.has(['resync unknown-id', '1 running']);
        expect(stream.received[0]!.data).to.have.property('detail').that.is.a('string');
      }
    });

    it('tell everybody where events may be missing', async () => {
      const [all, some] = [await at.open('/events'), await at.open('/events?name=nobody')];
      at.broker.listener?.missed('connection');
      await Promise.all([all.has(['resync connection']), some.has(['resync connection'])]);
    });

    it('refuse what is wrong before they begin', async () => {
      const ask = async (path: string, init: RequestInit = {}) => {
        const response = await fetch(`${at.api.url}${BASE}${path}`, init);
        return {
          status: response.status,
          type: response.headers.get('content-type'),
          body: (await response.json()) as { code: string; detail: string },
        };
      };
      for (const query of [
        'resource=a',
        'state=unheard',
        'createdAfter=2026-01-01T00:00:00Z',
        `lastEventId=${'x'.repeat(101)}`,
      ]) {
        const { status, type, body } = await ask(`/events?${query}`);
        expect([status, type, body.code], query).to.deep.equal([
          400,
          'application/problem+json; charset=utf-8',
          'VALIDATION_FAILED',
        ]);
      }
      const accepted = await ask('/events', { headers: { accept: 'application/json' } });
      expect([accepted.status, accepted.body.code]).to.deep.equal([406, 'NOT_ACCEPTABLE']);
      const foreign = await ask('/events', { headers: { origin: 'https://elsewhere.example' } });
      expect([foreign.status, foreign.body.code]).to.deep.equal([403, 'FORBIDDEN']);
      const posted = await ask('/events', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
      expect([posted.status, posted.body.code]).to.deep.equal([405, 'METHOD_NOT_ALLOWED']);
      expect((await at.figures()).readers).to.equal(0);
    });

    it('answer whoever asks for the head alone', async () => {
      const response = await fetch(`${at.api.url}${BASE}/events`, { method: 'HEAD' });
      expect([response.status, response.headers.get('content-type'), response.headers.get('content-length')]).to.deep.equal([
        200,
        'text/event-stream',
        null,
      ]);
      expect((await at.figures()).readers).to.equal(0);
    });

    it('hear nothing of a reader that has left', async () => {
      const stream = await at.open('/events');
      await at.readers(1);
      stream.leave();
      await at.readers(0);
    });

    it('end when the API does, and those that come then are sent elsewhere', async () => {
      const stream = await at.open('/events');
      const stopped = at.api.stop();
      await stream.ends();
      await stopped;
      expect(at.broker.closed).to.equal(1);
    });
  });

  describe('of one task', () => {
    beforeEach(() => at.start());

    it('begin with it as it is, and end with its end', async () => {
      const { id } = at.hold(1, { state: 'waiting', waitingFor: 'worker', attempt: 0 });
      const stream = await at.open(`/tasks/${id}/events`);
      await stream.has(['1 waiting']);
      at.broker.emit(someEvent(2));
      at.broker.emit(someEvent(1));
      at.broker.emit(someEvent(1, {}, { kind: 'progress', progress: [] }));
      at.broker.emit(someEvent(1, { state: 'completed' }));
      await stream.has(['1 waiting', '1 running', '1 progress', '1 completed']);
      await stream.ends();
      await at.readers(0);
    });

    it('are over at once where it has ended, and are none where there is no such task', async () => {
      const { id } = at.hold(1, { state: 'failed' });
      const stream = await at.open(`/tasks/${id}/events`);
      await stream.ends();
      expect(stream.told).to.deep.equal(['1 failed']);
      for (const unknown of [someTask(9).id, 'nonsense'])
        expect((await fetch(`${at.api.url}${BASE}/tasks/${unknown}/events`)).status).to.equal(404);
      expect((await fetch(`${at.api.url}${BASE}/tasks/${id}/events?state=failed`)).status).to.equal(400);
    });

    it('read it again where events may be missing', async () => {
      const { id } = at.hold(1);
      const stream = await at.open(`/tasks/${id}/events`, { 'last-event-id': 'other-1' });
      await stream.has(['resync unknown-id', '1 running']);
      at.hold(1, { state: 'completed' });
      at.broker.listener?.missed('dropped');
      await stream.ends();
      expect(stream.told).to.deep.equal(['resync unknown-id', '1 running', 'resync dropped', '1 completed']);
    });
  });

  describe('that are compared with the database', () => {
    beforeEach(() => at.start({ compareMs: 100, heartbeatMs: 200 }));

    it('tell of an end of which no event told, to whoever follows the task and whoever follows all', async () => {
      const { id } = at.hold(1);
      const [one, all] = [await at.open(`/tasks/${id}/events`), await at.open('/events?state=completed')];
      await one.has(['1 running']);
      at.ended = [id];
      at.hold(1, { state: 'completed' });
      await one.ends();
      expect(one.told).to.deep.equal(['1 running', '1 completed']);
      await all.has(['1 completed']);
    });

    it('tell it also to a follower that was away when it was found out', async () => {
      const first = await at.open('/events');
      await until('its place', () => first.lastId !== '');
      first.leave();
      await at.readers(0);
      at.ended = [at.hold(1, { state: 'completed' }).id];
      const watching = await at.open(`/tasks/${at.hold(2).id}/events`);
      await until('several comparisons', () => at.calls.filter(call => call === 'tasks.endedWithin').length >= 5);
      const again = await at.open('/events', { 'last-event-id': first.lastId });
      await again.has(['1 completed']);
      watching.leave();
    });

    it('end where the task is gone', async () => {
      const { id } = at.hold(1);
      const stream = await at.open(`/tasks/${id}/events`);
      await stream.has(['1 running']);
      at.tasks.clear();
      await stream.ends();
    });

    it('say where they are although nothing happens', async () => {
      const [quiet, other] = [await at.open('/events?name=nobody'), await at.open('/events')];
      at.broker.emit(someEvent(1));
      await other.has(['1 running']);
      await until('a heartbeat with the id of that', () => quiet.lastId === other.lastId);
      expect(quiet.text).to.contain(': heartbeat\n');
      expect(quiet.told).to.deep.equal([]);
    });
  });

  describe('without a broker', () => {
    it('begin all the same, and tell when it is there', async () => {
      await at.start();
      at.broker.feed.live = false;
      const { id } = at.hold(1, { state: 'waiting', attempt: 0 });
      const [all, one] = [await at.open('/events'), await at.open(`/tasks/${id}/events`)];
      await one.has(['1 waiting']);
      at.hold(1, { state: 'running' });
      at.broker.comes();
      await Promise.all([all.has(['resync connection']), one.has(['1 waiting', 'resync connection', '1 running'])]);
      at.broker.emit(someEvent(1, { state: 'completed' }));
      await one.ends();
    });
  });
});
