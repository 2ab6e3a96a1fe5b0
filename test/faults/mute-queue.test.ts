import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'amqplib';
import { expect } from 'chai';
import { createAmqpBroker, type AmqpBroker } from '../../src/broker/amqp/broker.js';
import { openChannel } from '../../src/broker/amqp/channel.js';
import { Late, within } from '../../src/broker/amqp/deadline.js';
import { dial } from '../../src/broker/amqp/link.js';
import { DEFAULT_AMQP_TIMING, type AmqpOptions } from '../../src/broker/amqp/options.js';
import { declareQueue, declareTopology, namesWith, queueOf } from '../../src/broker/amqp/topology.js';
import { provideServers, type ProvidedServers, type RabbitServer } from '../../src/servers/servers.js';
import { until } from '../support/wait.js';
import { scratchFolder, withEnvironment } from '../unit/servers/scratch.js';
import { SERVERS_CACHE } from '../support/server-commands.js';
import { Inbox, isConsuming, isUp, start } from '../contract/broker/support.js';

const names = namesWith('');
const whole = { to: 'queue', queue: 'whole' } as const;
/** Deleting takes 5 s, so `rpcMs` stays above that. */
const timing = { ...DEFAULT_AMQP_TIMING, rpcMs: 6_000, confirmMs: 1_000, muteMs: 1_000, backoffMaxMs: 500 };

type Fate = 'served' | 'silent' | 'refusing';

/**
 * What becomes of a queue that is declared right before a kill, and whose name was new or had been on disk. Measured in at least 5 of 5 tries each
 * with 3.10.8, 4.0.5 and 4.3.6.
 */
function fateBy(version: string, onDisk: boolean): Fate {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 4 || (major === 4 && minor >= 3)) return 'served';
  return major < 4 && onDisk ? 'refusing' : 'silent';
}

describe('a queue that the broker was killed over', function () {
  this.timeout(300_000); // 4.x starts in 3 to 5 s, and is started often
  const scratch = scratchFolder();
  let warnings: [message: string, fields: Record<string, unknown>][];
  let servers: ProvidedServers;
  let rabbit: RabbitServer;
  let broker: AmqpBroker | undefined;

  before(async () => {
    servers = await withEnvironment({ INTERLOCK_SERVERS_CACHE: SERVERS_CACHE }, () =>
      provideServers({ directory: scratch.path, need: { mongo: false, amqp: true } }),
    );
    rabbit = servers.rabbit!;
  });

  afterEach(() => broker?.close());

  after(async () => {
    await servers.stop();
    scratch.remove();
  });

  function options(): AmqpOptions {
    const ignore = (): void => undefined;
    const warn = (message: string, fields: Record<string, unknown> = {}): void => void warnings.push([message, fields]);
    return {
      url: rabbit.url,
      name: 'test',
      random: Math.random,
      log: { error: ignore, warn, info: ignore, debug: ignore },
    };
  }

  async function onChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const link = await dial(options(), 'test', timing, new AbortController().signal);
    try {
      await declareTopology(link, names);
      return await work(await openChannel(link));
    } finally {
      link.destroy(new Error('done'));
    }
  }

  /** Declares and kills at once, until the server does with the queue what its version does. */
  async function killOver(queue: string, onDisk: boolean): Promise<Fate> {
    const plan = queueOf(names, { to: 'queue', queue });
    const expected = fateBy(rabbit.version, onDisk);
    for (let tries = 0; tries < 5; tries++) {
      if (onDisk) {
        await onChannel(channel => declareQueue(channel, names, plan));
        await rabbit.restart();
      }
      await onChannel(async channel => {
        await channel.deleteQueue(plan.name);
        await declareQueue(channel, names, plan);
        await rabbit.kill9();
      });
      await rabbit.start();
      if ((await fateOf(plan.name)) !== expected) continue;
      if (expected === 'served') return expected;
      // A queue without a leader yet refuses as well, and mends by itself: met once in some 40 runs, on a busy machine.
      await sleep(5_000);
      if ((await fateOf(plan.name)) === expected) return expected;
    }
    return expect.fail(`RabbitMQ ${rabbit.version} did something else than ${expected} with the queue`);
  }

  async function fateOf(queue: string): Promise<Fate> {
    const consuming = onChannel(channel =>
      within(
        3_000,
        'consuming',
        channel.consume(queue, () => undefined),
      ),
    );
    return consuming.then(
      () => 'served',
      (error: unknown) => (error instanceof Late ? 'silent' : 'refusing'),
    );
  }

  const repairs = (): typeof warnings => warnings.filter(([message]) => message.includes('deleted it and declared it anew'));

  for (const onDisk of [false, true]) {
    const which = onDisk ? 'had been on disk before' : 'was new';

    it(`and that ${which} is found by its consumer, declared anew, and consumed; others are too`, async () => {
      const destination = { to: 'queue', queue: `consumed-${onDisk}` } as const;
      const queue = `work.${destination.queue}`;
      const repaired = (await killOver(destination.queue, onDisk)) !== 'served';
      warnings = [];
      broker = createAmqpBroker(options(), timing);
      const [inbox, other] = [new Inbox({ ack: true }), new Inbox({ ack: true })];
      broker.consume(destination, 2, inbox.take);
      broker.consume(whole, 2, other.take);
      await broker.start();
      await isConsuming(broker, queue);

      expect(repairs().map(([, fields]) => fields.queue)).to.deep.equal(repaired ? [queue] : []);
      expect(await broker.publish(start(1), destination)).to.equal('confirmed');
      await inbox.has(1);
      await isConsuming(broker, 'work.whole');
      expect(await broker.publish(start(2), whole)).to.equal('confirmed');
      await other.has(1);
    });

    it(`and that ${which} is found by a publisher, declared anew, and takes hints`, async () => {
      const destination = { to: 'queue', queue: `published-${onDisk}` } as const;
      const repaired = (await killOver(destination.queue, onDisk)) !== 'served';
      warnings = [];
      broker = createAmqpBroker(options(), timing);
      await broker.start();
      await isUp(broker);

      await until('a hint to be confirmed', async () => (await broker!.publish(start(1), destination)) === 'confirmed', {
        timeoutMs: 60_000,
      });

      expect(repairs()).to.have.lengthOf(repaired ? 1 : 0);
      expect(await broker.depth(destination)).to.deep.equal({ messages: 1, consumers: 0 });
    });
  }
});
