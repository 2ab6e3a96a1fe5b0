import { expect } from 'chai';
import type { Control } from '../../../src/core/hint.js';
import { until } from '../../support/wait.js';
import { Fixture } from './fixture.js';
import { start } from './support.js';

const cancel = (n: number): Control => ({ kind: 'cancel', task: start(n).task });

describe('what arrives from the control exchange', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  it('are counted and ignored when they are not ours', async () => {
    const broker = await fixture.started();
    const received: Control[] = [];
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
    expect(broker.status().deadBy).to.deep.equal({ size: 0, format: 2, version: 1, content: 2 });
    expect(broker.status().reconnects).to.equal(0);
  });
}).timeout(60_000);
