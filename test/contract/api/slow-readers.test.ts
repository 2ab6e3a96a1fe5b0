import { once } from 'node:events';

import { expect } from 'chai';

import { someEvent, someTask, summaries } from '../../support/events.js';
import { until } from '../../support/wait.js';
import { BASE, EventStreams, LARGE } from './event-streams.js';

describe('Readers of events', function () {
  this.timeout(60_000);
  const at = new EventStreams();

  it('are refused beyond their number, and given again when one ends', async () => {
    await at.start({ readers: 2 });
    const first = await at.open('/events');
    await at.open('/events');
    const refused = await fetch(`${at.api.url}${BASE}/events`);
    expect([refused.status, refused.headers.get('retry-after')]).to.deep.equal([503, '1']);
    expect(((await refused.json()) as { code: string }).code).to.equal('OVERLOADED');
    first.leave();
    await at.readers(1);
    await at.open('/events');
  });

  it('keep little for a reader that does not read, tell it so when it does, and let nobody else wait', async () => {
    await at.start({ backlogBytes: 65_536 });
    const slow = await at.openSlowly('/events');
    await at.readers(1);
    const quick = await at.open('/events?state=completed');
    await at.readers(2);
    const count = 30_000;
    let largest = 0;
    for (let n = 1; n <= count; n++) {
      at.broker.emit(someEvent(n, { ...LARGE, state: n % 1_000 === 0 ? 'completed' : 'running' }));
      if (n % 1_000 === 0) {
        largest = Math.max(largest, (await at.figures()).largestBacklogBytes ?? 0);
      }
    }
    await until('the quick one to have all', () => quick.told.length === count / 1_000);
    expect(quick.told).not.to.include('resync slow');
    expect(largest).to.be.at.most(65_536);
    expect((await at.figures()).resyncs).to.be.at.least(1);
    let text = '';
    slow.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    slow.resume();
    await until('the resync', () => text.includes('event: resync'));
    at.broker.emit(someEvent(777_777));
    await until('what comes after it', () => text.includes(someTask(777_777).id));
    expect(text.length).to.be.lessThan(count * 500);
    const told = summaries(text.replaceAll(/\r\n[0-9a-f]+\r\n/g, ''));
    expect(told.indexOf('resync slow')).to.be.greaterThan(0);
  });

  it('share what may wait, so that many slow ones together take no more than their part', async () => {
    await at.start({ backlogBytes: 65_536, backlogsBytes: 40_000 });
    for (let n = 0; n < 4; n++) await at.openSlowly('/events');
    await at.readers(4);
    for (let n = 1; n <= 20_000; n++) {
      at.broker.emit(someEvent(n, LARGE));
      if (n % 1_000 === 0) expect((await at.figures()).backlogBytes).to.be.at.most(40_000);
    }
    expect((await at.figures()).resyncs).to.be.at.least(4);
  });

  it('cut off a reader that takes nothing for long', async () => {
    await at.start({ slowMs: 200, compareMs: 100 });
    const slow = await at.openSlowly('/events');
    await at.readers(1);
    const closed = once(slow, 'close');
    // Each turn of it the kernel takes what is under way, until some megabytes are in its buffers.
    const isCutOff = async (): Promise<boolean> => {
      for (let n = 0; n < 200; n++) at.broker.emit(someEvent(n, LARGE));
      return (await at.figures()).readers === 0;
    };
    await until('it to be cut off', isCutOff, { everyMs: 1 });
    slow.resume();
    await closed;
  });

  it('stop listening when nobody has read for a while, and know nothing of before when somebody does again', async () => {
    await at.start({ lingerMs: 100, compareMs: 100 });
    const first = await at.open('/events');
    at.broker.emit(someEvent(1));
    await first.has(['1 running']);
    first.leave();
    await until('it to stop listening', () => at.broker.closed === 1);
    const second = await at.open('/events', { 'last-event-id': first.lastId });
    at.broker.emit(someEvent(2));
    await second.has(['resync unknown-id', '2 running']);
  });
});
