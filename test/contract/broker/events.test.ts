import { expect } from 'chai';
import { encodeEvent } from '../../../src/core/event-wire.js';
import { until } from '../../support/wait.js';
import { Ear, eventNumber } from './events.contract.js';
import { Fixture } from './fixture.js';
import { isUp } from './support.js';

describe('what arrives from the exchange of events', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
  });
  afterEach(() => fixture.closeBrokers());
  after(() => fixture.close());

  const send = (body: Buffer, from?: { appId: string; messageId: string }): Promise<unknown> =>
    fixture.raw.on(channel =>
      Promise.resolve(channel.publish(`${fixture.prefix}interlock.events`, 'task.x.y', body, from ?? {})),
    );

  it('is counted and ignored when it is none of ours', async () => {
    const broker = await fixture.started();
    const ear = new Ear(broker);
    await ear.hears();
    for (const body of ['', 'x', '{"v":1}', '{"v":9,"kind":"task"}']) await send(Buffer.from(body));
    await until('the bad ones to be counted', () => broker.status().dead === 4);
    broker.emit(eventNumber(1));
    await ear.has(['connection', 1]);
  });

  it('shows by the numbers of its emitter that something was left out', async () => {
    const broker = await fixture.started();
    const ear = new Ear(broker);
    await ear.hears();
    for (const n of [3, 4, 7]) await send(Buffer.from(encodeEvent(eventNumber(n))), { appId: 'a', messageId: String(n) });
    await ear.has(['connection', 3, 4, 'dropped', 7]);
  });

  it('waits in a queue that is bounded; what was dropped there is told, and the newest is kept', async () => {
    const proxy = await fixture.proxy();
    const broker = await fixture.started({ proxy });
    const ear = new Ear(broker);
    await ear.hears();
    proxy.set('blackhole-down'); // as a process that does not read
    const flood = 40_000;
    const body = Buffer.from(encodeEvent({ ...eventNumber(1), tags: Array.from({ length: 9 }, () => 't'.repeat(90)) }));
    await fixture.raw.on(async channel => {
      for (let n = 1; n <= flood; n++) {
        const more = channel.publish(`${fixture.prefix}interlock.events`, 'task.x.y', body, {
          appId: 'flood',
          messageId: String(n),
        });
        if (!more) await new Promise(resolve => channel.once('drain', resolve));
      }
    });
    proxy.set('pass');
    await fixture.raw.on(channel =>
      Promise.resolve(
        channel.publish(`${fixture.prefix}interlock.events`, 'task.x.y', Buffer.from(encodeEvent(eventNumber(flood))), {
          ...{ appId: 'flood', messageId: String(flood + 1) },
        }),
      ),
    );
    await until('the last one', () => ear.heard.at(-1) === flood, { timeoutMs: 60_000 });
    expect(broker.status().reconnects).to.equal(0);
    expect(ear.heard.filter(each => each === 1).length).to.be.lessThan(flood);
    expect(ear.heard).to.include('dropped');
  });

  it('is dropped by its emitter, not kept, when more is emitted than is sent', async () => {
    const [broker, other] = [await fixture.started(), await fixture.started()];
    const ear = new Ear(other);
    await ear.hears();
    for (let n = 1; n <= 1_000; n++) broker.emit(eventNumber(n)); // in one turn nothing is sent
    const { eventsDropped } = broker.status();
    expect(eventsDropped).to.be.within(1, 999);
    await until('what was sent', () => ear.heard.length === 1 + 1_000 - eventsDropped);
    await until('it to take events again', () => {
      broker.emit(eventNumber(2_000));
      return ear.heard.includes(2_000);
    });
    expect(ear.heard[ear.heard.indexOf(2_000) - 1]).to.equal('dropped');
  });

  it('comes back with the exchange, should somebody delete that', async () => {
    const broker = await fixture.started();
    const ear = new Ear(broker);
    await ear.hears();
    await fixture.raw.on(channel => channel.deleteExchange(`${fixture.prefix}interlock.events`));
    broker.emit(eventNumber(1)); // 404: its connection ends, and declares what is missing
    await until('the connection to be back', () => broker.status().reconnects > 0);
    await isUp(broker);
    await fixture.raw.on(channel => channel.checkExchange(`${fixture.prefix}interlock.events`));
  });
}).timeout(90_000);
