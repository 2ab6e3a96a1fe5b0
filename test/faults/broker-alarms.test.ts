import { expect } from 'chai';
import { join } from 'node:path';

import { onSmallDisk, SmallDisk } from '../support/small-disk.js';
import { until } from '../support/wait.js';
import { BrokerWorld } from './broker-world.js';

/** RabbitMQ wants 50 MiB free, or raises its alarm. */
const DISK = '192m';

describe('a broker that raises an alarm', function () {
  this.timeout(240_000);
  let world: BrokerWorld;
  before(async () => {
    world = await BrokerWorld.open();
  });
  after(() => world.close());

  for (const [what, raise, clear] of [
    ['memory', ['set_vm_memory_high_watermark', '0.0000001'], ['set_vm_memory_high_watermark', 'absolute', '1GB']],
    ['disk', ['set_disk_free_limit', '1000000GB'], ['set_disk_free_limit', '50MB']],
  ] as const) {
    it(`for its ${what} harms nobody: tasks are accepted and end, hints are acknowledged, the status says so, and it goes on by itself`, async () => {
      const before = await world.submit(1_000);
      await world.begun(before);
      await world.rabbit.ctl(raise);
      const during = await world.submitMany(5);
      await until('the status shows it', async () => (await world.status()).brokerConnection.state === 'blocked');
      expect(await world.status()).to.include({ healthy: false });
      await world.allComplete([before, ...during]);
      await until('every hint is used up', async () => {
        const { ready, unacknowledged } = await world.messages('work.default');
        return ready + unacknowledged === 0;
      });
      expect((await world.status()).brokerConnection.state, 'all that was under the alarm').to.equal('blocked');

      await world.rabbit.ctl(clear);
      await world.healthy();
      await world.allComplete(await world.submitMany(2));
      expect(world.wrong()).to.deep.equal([]);
    });
  }
});

onSmallDisk('a broker whose disk is full', function () {
  this.timeout(300_000);
  let disk: SmallDisk;
  let world: BrokerWorld;

  before(async () => {
    disk = await SmallDisk.make(DISK);
    world = await BrokerWorld.open({ dataDirectory: join(disk.path, 'data') });
  });
  after(async () => {
    await world.close();
    await disk.remove();
  });

  it('costs no task: they are accepted and end meanwhile, and all goes on when there is space again', async () => {
    const { rabbit } = world;
    const before = await world.submit(1_000);
    disk.fill();
    const during = await world.submitMany(20);
    await until('the status shows it', async () => !(await world.status()).brokerConnection.connected, { timeoutMs: 60_000 });
    await world.allComplete([before, ...during]);
    process.stdout.write(`      ${rabbit.ended() === undefined ? 'it raised its alarm' : `it ended: ${rabbit.ended()}`}\n`);

    disk.free();
    if (rabbit.ended() !== undefined) await rabbit.start(); // as a service manager does
    await world.healthy();
    await world.allComplete(await world.submitMany(5));
    expect(world.wrong()).to.deep.equal([]);
  });
});
