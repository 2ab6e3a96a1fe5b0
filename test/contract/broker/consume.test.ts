import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Fixture } from './fixture.js';
import { Inbox, isConsuming, start } from './support.js';

describe('doubting that RabbitMQ sends what it has', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  it('spares a consumer of an empty queue, and one that is full', async () => {
    const broker = await fixture.started({ timing: { stallMs: 300 } });
    const destination = fixture.destination('idle');
    const inbox = new Inbox({ ack: false });
    broker.consume(destination, 1, inbox.take);
    await isConsuming(broker, fixture.queue('work.idle'));
    for (let n = 1; n <= 3; n++) await broker.publish(start(n), destination);
    await inbox.has(1);
    await sleep(1_500); // it is doubted several times

    // Two are ready, and the one slot is taken: nothing is wrong with that either.
    inbox.deliveries[0]!.ack();
    await inbox.has(2);
    expect(broker.status()).to.include({ recycles: 0, reconnects: 0 });
  });
}).timeout(60_000);
