import { expect } from 'chai';
import { DEFAULT_AMQP_TIMING } from '../../../src/broker/amqp/options.js';
import { repairQueue, type RepairPlan } from '../../../src/broker/amqp/queue-repair.js';
import { namesWith, queueOf } from '../../../src/broker/amqp/topology.js';
import { Fixture } from './fixture.js';
import { Inbox, isConsuming, start } from './support.js';

/** What it does to a queue that is broken: mute-queue.test.ts. */
describe('the repair of a queue', () => {
  let fixture: Fixture;
  let plan: RepairPlan;

  before(async () => {
    fixture = await Fixture.open();
    const stop = new AbortController().signal;
    plan = { options: fixture.options(), names: namesWith(fixture.prefix), timing: DEFAULT_AMQP_TIMING, stop };
  });

  after(() => fixture.close());

  it('leaves alone what has a message, what has a consumer, and what answers', async () => {
    const broker = await fixture.started();
    const [filled, consumed, idle] = ['filled', 'consumed', 'idle'].map(name => fixture.destination(name));
    for (const destination of [filled!, idle!]) await broker.publish(start(1), destination);
    await fixture.take(fixture.queue('work.idle'));
    broker.consume(consumed!, 1, new Inbox({ ack: false }).take);
    await isConsuming(broker, fixture.queue('work.consumed'));

    for (const destination of [filled!, consumed!, idle!]) {
      expect(await repairQueue(queueOf(plan.names, destination), plan), destination.queue).to.equal('served');
    }
    expect(await broker.depth(filled!)).to.deep.equal({ messages: 1, consumers: 0 });
    expect(broker.status()).to.include({ recycles: 0, reconnects: 0 });
  });

  it('is done by one process at a time', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('locked');
    await broker.publish(start(1), destination);
    const locked = fixture.queue('work.locked.repair');
    await fixture.raw.on(channel => channel.assertQueue(locked, { exclusive: true, durable: false }));

    expect(await repairQueue(queueOf(plan.names, destination), plan)).to.equal('busy');
    await fixture.raw.deleteQueue(locked);
    expect(await repairQueue(queueOf(plan.names, destination), plan)).to.equal('served');
  });

  it('ends at once when its process ends', async () => {
    const stop = new AbortController();
    const repairing = repairQueue(queueOf(plan.names, fixture.destination('ending')), { ...plan, stop: stop.signal });
    stop.abort(new Error('closing'));
    const failure = await repairing.catch((error: unknown) => error);
    expect(failure).to.be.an('error');
  });
}).timeout(60_000);
