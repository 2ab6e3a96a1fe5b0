import { expect } from 'chai';

import { diagnoseAmqp } from '../../../src/broker/amqp/diagnose.js';
import type { BrokerDiagnosis } from '../../../src/broker/diagnosis.js';
import { createAmqpBroker } from '../../../src/broker/amqp/broker.js';
import { diagnose } from '../../../src/doctor/doctor.js';
import { silentLog } from '../../../src/process/log.js';
import { provideServers, type ProvidedServers, type RabbitServer } from '../../../src/servers/servers.js';
import { diagnoseMongo } from '../../../src/store/mongo/diagnose.js';
import type { DatabaseDiagnosis } from '../../../src/store/diagnosis.js';
import { scratchFolder, withEnvironment } from '../../unit/servers/scratch.js';
import { until } from '../../support/wait.js';
import { SERVERS_CACHE } from '../../support/server-commands.js';
import { FakeMongod } from '../store/fake-mongod.js';

const faults = (evidence: { database?: DatabaseDiagnosis; broker?: BrokerDiagnosis }): string[] =>
  diagnose({ version: '0', configuration: [], ...evidence }).findings.map(({ fault }) => fault);

describe('A doctor, of a MongoDB that no role would start on', function () {
  this.timeout(60_000);
  const servers: [fault: string, hello: object, query: string, version: string][] = [
    ['mongodb-standalone', { isWritablePrimary: true }, '', '7.0.0'],
    ['mongodb-standalone', { isWritablePrimary: true }, '?replicaSet=rs0', '7.0.0'],
    ['mongodb-standalone', { isWritablePrimary: false, isreplicaset: true, secondary: false }, '?replicaSet=rs0', '7.0.0'],
    ['mongodb-too-old', { setName: 'rs0', hosts: [], isWritablePrimary: true }, '?directConnection=true', '4.4.29'],
    ['clock-skew', { setName: 'rs0', isWritablePrimary: true, localTime: new Date(0) }, '?directConnection=true', '7.0.0'],
  ];
  for (const [fault, hello, query, version] of servers) {
    it(`names ${fault} (${version}, ${query || 'no query'})`, async () => {
      const fake = await FakeMongod.listen(hello, version);
      try {
        const database = await diagnoseMongo({ url: `mongodb://${fake.address}/${query}`, appName: 'test' });
        expect(faults({ database }), JSON.stringify(database)).to.include(fault);
      } finally {
        await fake.close();
      }
    });
  }
});

describe('A doctor, of a RabbitMQ that', function () {
  this.timeout(180_000);
  const scratch = scratchFolder();
  let servers: ProvidedServers;
  let rabbit: RabbitServer;
  before(async () => {
    servers = await withEnvironment({ INTERLOCK_SERVERS_CACHE: SERVERS_CACHE }, () =>
      provideServers({ directory: scratch.path, need: { mongo: false, amqp: true } }),
    );
    rabbit = servers.rabbit!;
    const broker = createAmqpBroker(options(rabbit.url));
    await broker.start();
    await broker.close();
  });
  after(async () => {
    await servers.stop();
    scratch.remove();
  });

  const options = (url: string) => ({ url, name: 'test', random: Math.random, log: silentLog });
  const look = async (url = rabbit.url): Promise<string[]> =>
    faults({ broker: await diagnoseAmqp(options(url), [{ to: 'resource-manager' }]) });

  it('is well, finds nothing', async () => {
    expect(await look()).to.deep.equal([]);
  });

  it('takes nothing for want of memory or disk, tells them apart', async () => {
    await rabbit.ctl(['set_vm_memory_high_watermark', 'absolute', '1']);
    await until('the alarm is told', async () => (await look()).includes('rabbitmq-memory-alarm'));
    await rabbit.ctl(['set_vm_memory_high_watermark', 'absolute', '1GB']);
    await until('it is over', async () => (await look()).length === 0);
    // As its monitor does, which needs a disk that it can measure.
    await rabbit.ctl(['eval', 'rabbit_alarm:set_alarm({{resource_limit, disk, node()}, []}).']);
    await until('the alarm is told', async () => (await look()).includes('rabbitmq-disk-alarm'));
    await rabbit.ctl(['eval', 'rabbit_alarm:clear_alarm({resource_limit, disk, node()}).']);
    await until('it is over', async () => (await look()).length === 0);
  });

  it('lets a user in who may not declare, send or read, tells which', async () => {
    await rabbit.ctl(['add_user', 'weak', 'weak']);
    const url = new URL(rabbit.url);
    url.username = 'weak';
    url.password = 'weak';
    const missing: [permissions: string[], permission: string][] = [
      [['^$', '.*', '.*'], 'configure'],
      [['.*', '^$', '.*'], 'write'],
      [['.*', '.*', '^$'], 'read'],
    ];
    for (const [permissions, permission] of missing) {
      await rabbit.ctl(['set_permissions', 'weak', ...permissions]);
      const broker = await diagnoseAmqp(options(url.href), []);
      if (broker.state !== 'reached') return expect.fail(JSON.stringify(broker));
      expect(broker.mayNot.map(each => each.permission)).to.deep.equal([permission]);
      expect(faults({ broker })).to.deep.equal(['rabbitmq-permissions']);
    }
    await rabbit.ctl(['clear_permissions', 'weak']);
    expect(await look(url.href)).to.deep.equal(['rabbitmq-permissions']);
  });
});
