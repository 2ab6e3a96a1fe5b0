import { expect } from 'chai';
import type { Control } from '../../../src/core/hint.js';
import { until } from '../../support/wait.js';
import { Fixture, isUp, start } from './fixture.js';

const cancel = (n: number): Control => ({ kind: 'cancel', task: start(n).task });

describe('messages to every process', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  it('reach each broker once, the sender too', async () => {
    const received: [Control[], Control[]] = [[], []];
    const first = fixture.broker();
    const second = fixture.broker();
    first.onControl(message => received[0].push(message));
    second.onControl(message => received[1].push(message));
    await Promise.all([first.start(), second.start()]);
    await Promise.all([isUp(first), isUp(second)]);

    first.broadcast(cancel(1));
    second.broadcast(cancel(2));

    await until('both at both', () => received.every(messages => messages.length >= 2));
    for (const messages of received) expect(messages).to.have.deep.members([cancel(1), cancel(2)]);
  });

  it('are heard again after the connection was lost', async () => {
    const proxy = await fixture.proxy();
    const broker = await fixture.started({ proxy });
    const received: Control[] = [];
    broker.onControl(message => received.push(message));
    proxy.cut();
    await until('both to be back', () => broker.status().reconnects >= 2 && broker.status().state === 'up');

    broker.broadcast(cancel(3));

    await until('the message', () => received.length > 0);
    expect(received).to.deep.equal([cancel(3)]);
  });

  it('are ignored when they are not ours, and a handler that throws harms nobody', async () => {
    const broker = await fixture.started();
    const received: Control[] = [];
    broker.onControl(() => {
      throw new Error('no');
    });
    broker.onControl(message => received.push(message));
    const exchange = `${fixture.prefix}interlock.control`;
    const bodies = [
      '',
      'shutdown',
      '{"v":1,"kind":"shutdown"}',
      '{"v":1,"kind":"cancel","task":{"$ne":1}}',
      '{"v":9,"kind":"cancel"}',
    ];
    for (const body of bodies) await fixture.raw.on(channel => Promise.resolve(channel.publish(exchange, '', Buffer.from(body))));

    broker.broadcast(cancel(4));

    await until('the good one', () => received.length > 0);
    await until('the bad ones to be counted', () => broker.status().dead === bodies.length);
    expect(received).to.deep.equal([cancel(4)]);
    expect(broker.status().reconnects).to.equal(0);
  });
}).timeout(60_000);
