import { expect } from 'chai';

import type { Delivery, Destination } from '../../../src/broker/broker.js';
import { Hints } from '../../../src/dispatch/hints.js';
import { calmExchange, connected } from '../../simulation/broker/calm.js';
import { VirtualTime } from '../../support/virtual-time.js';

const MANAGER: Destination = { to: 'resource-manager' };

async function setUp() {
  const time = new VirtualTime();
  const exchange = calmExchange(time);
  const hints = new Hints(await connected(exchange, time, 'api'), time.clock);
  return { time, exchange, hints, messages: () => exchange.messages(MANAGER) };
}

/** What a leading resource manager has heard. */
async function lead(exchange: ReturnType<typeof calmExchange>, time: VirtualTime) {
  const heard = new Set<string>();
  const broker = await connected(exchange, time, 'resource-manager');
  const take = (delivery: Delivery): void => {
    if (delivery.hint.kind === 'changed') for (const id of delivery.hint.tasks) heard.add(id);
    delivery.ack();
  };
  const subscription = broker.consume(MANAGER, 100, take);
  await time.advance(10);
  return { heard, leave: () => Promise.all([subscription.close(), time.advance(10)]) };
}

describe('hints to whoever awaits a child', () => {
  it('tell of every child that has ended, those of one moment together, and of nobody else', async () => {
    const { time, exchange, hints } = await setUp();
    const heard: string[][] = [];
    (await connected(exchange, time, 'worker')).onControl(message => {
      if (message.kind === 'ended') heard.push(message.tasks);
    });
    for (let n = 0; n < 25; n++) hints.ended({ id: `c${n}`, parent: 'p' });
    hints.ended({ id: 'an orphan' });
    await time.advance(10);
    expect(heard.map(({ length }) => length).sort()).to.deep.equal([20, 5]);
    expect(heard.flat()).to.have.members(Array.from({ length: 25 }, (_, n) => `c${n}`));
    hints.ended({ id: 'later', parent: 'p' });
    await time.advance(10);
    expect(heard.at(-1)).to.deep.equal(['later']);
  });
});

describe('hints to the resource manager', () => {
  it('all arrive while one leads, however many there are', async () => {
    const { time, exchange, hints } = await setUp();
    const { heard } = await lead(exchange, time);
    for (let n = 0; n < 2_000; n++) {
      hints.changed([`t${n}`]);
      if (n % 3 === 0) await time.advance(1);
    }
    await time.advance(1_000);
    expect(heard.size).to.equal(2_000);
  });

  it('stop soon while none leads, so that 5,000 accepted tasks leave a handful of messages', async () => {
    const { time, hints, messages } = await setUp();
    for (let n = 0; n < 5_000; n++) {
      hints.changed([`t${n}`]);
      await time.advance(2);
    }
    expect(messages()).to.be.within(1, 25);
  });

  it('stop also while the one that leads takes none', async () => {
    const { time, exchange, hints, messages } = await setUp();
    const frozen = await connected(exchange, time, 'resource-manager');
    frozen.consume(MANAGER, 100, () => undefined);
    for (let n = 0; n < 2_000; n++) {
      hints.changed([`t${n}`]);
      await time.advance(2);
    }
    expect(messages()).to.be.at.most(250);
  });

  it('go on within a second of somebody leading again', async () => {
    const { time, exchange, hints } = await setUp();
    const first = await lead(exchange, time);
    await first.leave();
    for (let n = 0; n < 100; n++) {
      hints.changed([`lost-${n}`]);
      await time.advance(20);
    }
    const second = await lead(exchange, time);
    await time.advance(1_000);
    hints.changed(['t']);
    await time.advance(10);
    expect(second.heard).to.include('t');
  });
});

describe('many start hints', () => {
  it('are sent no further than the broker takes them', async () => {
    const { time, exchange, hints } = await setUp();
    const tasks = Array.from({ length: 3_000 }, (_, n) => ({
      ...{ id: `t${n}`, queue: 'default', state: 'waiting' as const, waitingFor: 'worker' as const },
    }));
    const [all] = await Promise.all([hints.startAll(tasks), time.advance(1_000)]);
    expect(all).to.equal(3_000);
    expect(exchange.messages({ to: 'queue', queue: 'default' })).to.equal(3_000);
    exchange.setUp(false);
    await time.advance(10);
    const [none] = await Promise.all([hints.startAll(tasks), time.advance(10_000)]);
    expect(none).to.equal(0);
  });
});
