import { expect } from 'chai';

import type { Broker, Destination } from '../../../src/broker/broker.js';
import { Hints } from '../../../src/dispatch/hints.js';
import { Repair } from '../../../src/dispatch/repair.js';
import type { LineTask } from '../../../src/store/store.js';
import { calmExchange, connected } from '../../simulation/broker/calm.js';
import { VirtualTime } from '../../support/virtual-time.js';

const REHINT_MS = 10_000;
const SWEEP_MS = 5_000;
const QUEUE: Destination = { to: 'queue', queue: 'default' };

const ready = (n: number, more: Partial<LineTask> = {}): LineTask =>
  ({ id: `t${n}`, seq: n, queue: 'default', ...more }) as LineTask;
const many = (count: number): LineTask[] => Array.from({ length: count }, (_, n) => ready(n));

/** A beat that leads, over tasks that have been ready for long. */
async function setUp(tasks: LineTask[]) {
  const time = new VirtualTime();
  const exchange = calmExchange(time);
  const broker = await connected(exchange, time, 'beat');
  const reads: number[] = [];
  const readyFor = (_for: unknown, _ms: number, limit: number): Promise<LineTask[]> => {
    reads.push(limit);
    return Promise.resolve(tasks.slice(0, limit));
  };
  const repairOf = (of: Pick<Broker, 'publish' | 'depth' | 'broadcast'>): Repair =>
    new Repair({ tasks: { readyFor }, broker: of, hints: new Hints(of, time.clock), clock: time.clock }, REHINT_MS);
  const repair = repairOf(broker);
  const sweep = async (): Promise<number> => {
    const [sent] = await Promise.all([repair.runOnce(), time.advance(SWEEP_MS)]);
    return sent;
  };
  const messages = (of: Destination = QUEUE): number => exchange.messages(of);
  return { time, exchange, broker, tasks, reads, repairOf, sweep, messages };
}

describe('the repair of hints', () => {
  it('sends what a queue lacks, and nothing while it lacks nothing', async () => {
    const { exchange, sweep, messages } = await setUp(many(300));
    expect(await sweep()).to.equal(300);
    for (let n = 0; n < 100; n++) await sweep();
    expect(messages()).to.equal(300);
    exchange.purge(QUEUE);
    for (let n = 0; n < 100; n++) await sweep();
    expect(messages()).to.equal(300);
  });

  it('fills an emptied queue within one sweep as far as workers can use it until the next, and never beyond its tasks', async () => {
    const { time, exchange, sweep, messages, tasks } = await setUp(many(12_000));
    exchange.wipe();
    await time.advance(1_000);
    await sweep();
    expect(messages()).to.equal(5_000);
    tasks.splice(0, 4_000); // were started, each by a ticket
    exchange.purge(QUEUE);
    for (let atMs = 0; atMs <= REHINT_MS; atMs += SWEEP_MS) await sweep(); // the back-off of those that were hinted
    expect(messages()).to.equal(5_000);
    for (let n = 0; n < 100; n++) await sweep();
    expect(messages()).to.equal(5_000);
  });

  it('glances at 500 tasks while their hints are there', async () => {
    const { reads, sweep } = await setUp(many(12_000));
    await sweep();
    reads.length = 0;
    await sweep();
    expect(reads).to.deep.equal([500]);
  });

  it('hints a task that nobody starts ever more seldom', async () => {
    const { exchange, sweep } = await setUp([ready(1)]);
    const sent: number[] = [];
    for (let n = 0; n < 200; n++) {
      exchange.purge(QUEUE); // a worker took it for nothing
      sent.push(await sweep());
    }
    expect(sent.slice(0, 10).reduce((sum, each) => sum + each)).to.be.within(2, 4);
    expect(
      sent.slice(-70).reduce((sum, each) => sum + each),
      'every 5 minutes',
    ).to.equal(1);
  });

  it('keeps the queues of tasks and the own queues of workers apart', async () => {
    const bound = (n: number): LineTask => ready(n, { grant: { fence: 1, epoch: 1, at: new Date(), worker: 'w' } });
    const { sweep, messages } = await setUp([ready(1), ready(2, { queue: 'other' }), bound(3), bound(4)]);
    await sweep();
    expect([QUEUE, { to: 'queue', queue: 'other' } as const, { to: 'worker', worker: 'w' } as const].map(messages)).to.deep.equal(
      [1, 1, 2],
    );
  });

  it('sends one hint, not hundreds, where the broker does not say what is there', async () => {
    const { time, broker, messages, repairOf } = await setUp(many(300));
    const repair = repairOf({
      publish: (...given) => broker.publish(...given),
      depth: () => Promise.resolve(undefined),
      broadcast: () => undefined,
    });
    for (let n = 0; n < 5; n++) await Promise.all([repair.runOnce(), time.advance(SWEEP_MS)]);
    expect(messages()).to.equal(5);
  });
});
