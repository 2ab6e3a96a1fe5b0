import { expect } from 'chai';
import { MuteQueues } from '../../../src/broker/amqp/mute-queues.js';
import { DEFAULT_AMQP_TIMING, type AmqpTiming, type BrokerLog } from '../../../src/broker/amqp/options.js';
import type { Repair } from '../../../src/broker/amqp/queue-repair.js';
import { namesWith, queueOf } from '../../../src/broker/amqp/topology.js';
import { FakeLink } from './fake-link.js';

const names = namesWith('');
const [first, second] = ['a', 'b'].map(queue => queueOf(names, { to: 'queue', queue }));
const cause = new Error('no answer');

describe('finding queues that are mute', () => {
  let link: FakeLink;
  let repaired: string[];
  let lines: [level: string, message: string, fields: Record<string, unknown>][];
  let mute: MuteQueues;
  let timing: AmqpTiming;
  let outcome: () => Promise<Repair>;

  beforeEach(() => {
    link = new FakeLink();
    repaired = [];
    lines = [];
    timing = { ...DEFAULT_AMQP_TIMING, publishMs: 1, muteMs: 0 };
    outcome = () => Promise.resolve('repaired');
    const line =
      (level: keyof BrokerLog) =>
      (message: string, fields: Record<string, unknown> = {}): void =>
        void lines.push([level, message, fields]);
    mute = new MuteQueues({
      names,
      timing,
      log: { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') },
      repair(queue) {
        repaired.push(queue.name);
        return outcome();
      },
    });
  });

  async function suspicions(count: number, queue = first!): Promise<boolean[]> {
    const given = [];
    for (let n = 0; n < count; n++) given.push(await mute.silent(queue, link, cause));
    return given;
  }

  it('repairs at the third time in a row, and says why', async () => {
    expect(await suspicions(3)).to.deep.equal([false, false, true]);
    expect(repaired).to.deep.equal(['work.a']);
    expect(lines).to.deep.equal([
      [
        'warn',
        'a queue did nothing but exist: deleted it and declared it anew',
        { queue: 'work.a', cause: 'no answer', times: 3 },
      ],
    ]);
  });

  it('counts each queue on its own, and anew after an answer', async () => {
    await suspicions(2);
    await suspicions(2, second);
    mute.answered('work.a');
    expect(await suspicions(2)).to.deep.equal([false, false]);
    expect(repaired).to.deep.equal([]);
    expect(await suspicions(1, second)).to.deep.equal([true]);
    expect(repaired).to.deep.equal(['work.b']);
  });

  it('repairs a queue once a minute at most, and gives the connection up in between', async () => {
    expect(await suspicions(9)).to.deep.equal([false, false, true, false, false, true, false, false, true]);
    expect(repaired).to.deep.equal(['work.a']);
  });

  it('counts refusals together with silences', async () => {
    await mute.failed(first!, cause);
    await suspicions(1);
    await mute.failed(first!, cause);
    expect(repaired).to.deep.equal(['work.a']);
  });

  it('waits for longer than an election may take, however often the queue fails', async () => {
    timing.muteMs = 60_000;
    expect(new Set(await suspicions(20))).to.deep.equal(new Set([false]));
    timing.muteMs = 0;
    expect(await suspicions(1)).to.deep.equal([true]);
    expect(lines[0]![2]).to.include({ times: 21 });
  });

  it('blames a connection that answers nothing, and no queue', async () => {
    link.opening = channel => (channel.checkExchange = () => new Promise<never>(() => undefined));
    expect(await suspicions(4)).to.deep.equal([true, true, true, true]);
    link.opening = channel => (channel.checkExchange = () => Promise.reject(new Error('channel closed')));
    expect(await suspicions(2)).to.deep.equal([true, true]);
    expect(repaired).to.deep.equal([]);
  });

  it('goes on when a repair fails, or finds nothing to do', async () => {
    outcome = () => Promise.reject(new Error('no answer either'));
    expect(await suspicions(3)).to.deep.equal([false, false, true]);
    outcome = () => Promise.resolve('busy');
    expect(await suspicions(3, second)).to.deep.equal([false, false, true]);
    expect(lines.map(([level, , fields]) => [level, fields.failure ?? fields.outcome])).to.deep.equal([
      ['warn', 'no answer either'],
      ['info', 'busy'],
    ]);
  });
});
