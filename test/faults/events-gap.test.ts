import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { provideServers, type ProvidedServers } from '../../src/servers/servers.js';
import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { endsIn, EventStream } from '../support/event-stream.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

describe('events, with a broker that goes away', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  let servers: ProvidedServers;
  const streams: EventStream[] = [];
  const open = async (path: string): Promise<EventStream> => {
    const stream = await EventStream.open(`${deployment.url}/api/v1${path}`);
    streams.push(stream);
    return stream;
  };

  before(async () => {
    const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
    servers = await provideServers({ directory, need: { mongo: false, amqp: true } });
    deployment = await Deployment.create({
      servers: { mongoUrl: testServers().mongoUrl, amqpUrl: servers.amqpUrl! },
      taskModules: [join(TEST_TASKS, 'basic.ts')],
    });
    await deployment.startAll();
  });
  after(async () => {
    for (const stream of streams) stream.leave();
    await deployment.destroy();
    await servers.stop();
  });

  it('tell of ends from the database meanwhile, and of the gap when it is back', async () => {
    const all = await open('/events');
    const { id } = await deployment.submit({ name: 'test.wait', kwargs: { ms: 5_000 } });
    const one = await open(`/tasks/${id}/events`);
    await until('it to run', () => one.received.some(({ data }) => data?.state === 'running'));
    await servers.rabbit!.kill9();
    await one.ends();
    expect(one.received.at(-1)?.data?.state).to.equal('completed');
    await until('the end to be told to all', () => endsIn(all).has(id));
    await servers.rabbit!.start();
    await until('the resync', () => all.told.includes('resync connection'), { timeoutMs: 60_000 });
    const next = await deployment.submit({ name: 'basic.add', args: [1, 2] });
    await until('events again', () => endsIn(all).has(next.id), { timeoutMs: 60_000 });
  });
});
