import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

import { expect } from 'chai';

import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { endsIn, EventStream } from '../support/event-stream.js';
import { until } from '../support/wait.js';

const EVENTS = '/api/v1/events';

describe('events, with many readers', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  before(async () => {
    deployment = await Deployment.create({ taskModules: [join(TEST_TASKS, 'basic.ts')] });
    await deployment.startAll();
  });
  after(() => deployment.destroy());

  it('of 1,000 tasks reach every reader that reads, while ten that never do take little and hinder nobody', async () => {
    const quick = await Promise.all(Array.from({ length: 10 }, () => EventStream.open(`${deployment.url}${EVENTS}`)));
    const stuck: Socket[] = [];
    for (let n = 0; n < 10; n++) {
      const socket = connect(Number(new URL(deployment.url).port), '127.0.0.1');
      await once(socket, 'connect');
      socket.pause();
      socket.on('error', () => undefined);
      socket.write(`GET ${EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      stuck.push(socket);
    }
    const figures = async () =>
      (await deployment.request<{ events: Record<string, number> }>('GET', '/api/v1/status')).body.events;
    await until('all to be readers', async () => (await figures()).readers === 20);
    const tags = Array.from({ length: 8 }, (_, n) => `${n}${'x'.repeat(90)}`);
    const tasks = Array.from({ length: 1_000 }, () => ({ name: 'basic.add', args: [1, 2], tags }));
    const { body } = await deployment.request<{ items: { id: string }[] }>('POST', '/api/v1/tasks/batch', { tasks });
    let largest = 0;
    await until(
      'every reader that reads to be told of every end',
      async () => {
        largest = Math.max(largest, (await figures()).largestBacklogBytes ?? 0);
        return quick.every(stream => endsIn(stream).size >= 1_000 || stream.told.some(each => each.startsWith('resync')));
      },
      { timeoutMs: 120_000, everyMs: 250 },
    );
    await until('all to be completed', async () => {
      return (await deployment.db.collection('tasks').countDocuments({ tags: tags[0], state: 'completed' })) === 1_000;
    });
    for (const stream of quick) {
      const ends = endsIn(stream);
      if (stream.told.some(each => each.startsWith('resync'))) continue;
      expect(body.items.filter(({ id }) => !ends.has(id))).to.deep.equal([]);
    }
    expect(largest).to.be.at.most(262_144);
    for (const socket of stuck) socket.destroy();
    for (const stream of quick) stream.leave();
  });
});
