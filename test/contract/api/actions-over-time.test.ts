import { expect } from 'chai';

import { system } from '../../../src/process/system.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { until } from '../../support/wait.js';
import { accept, newTask } from '../store/support.js';
import { ask, openApi, type Answer } from './fixture.js';

describe('Actions on more tasks than one request has time for', () => {
  /** Half a minute passes between any two looks at the clock. */
  let looks = 0;
  const runtime = { ...system, clock: { ...system.clock, monotonicMs: () => 30_000 * looks++ } };
  const store = simulatedStore(new SimulatedDatabase(() => new Date()));
  const { app } = openApi(store, { runtime });
  after(() => app.close());

  it('go on where they broke off, with the answer as the next request, and touch nobody who came later', async () => {
    await accept(store, ...Array.from({ length: 250 }, () => newTask({ queue: 'slow' })));
    const counts: number[] = [];
    let answer: Answer | undefined;
    for (let body: unknown = { action: 'cancel', filter: { queue: ['slow'] } }; body !== null;) {
      answer = await ask(app, '/tasks/actions', { body });
      counts.push(answer.body.count);
      expect(answer.status).to.equal((answer.body.next as unknown) === null ? 200 : 202);
      const askedAt = Date.now();
      await until('another millisecond', () => Date.now() > askedAt + 1, { everyMs: 1 });
      await accept(store, newTask({ queue: 'slow' }));
      body = answer.body.next;
    }
    expect(counts).to.deep.equal([100, 100, 50]);
    expect(await store.tasks.countByState()).to.deep.equal({ canceled: 250, waiting: 3 });
  });

  it('refuse a cursor with another action or filter', async () => {
    const { body } = await ask(app, '/tasks/actions', { body: { action: 'retry', filter: { queue: ['slow'] } } });
    const next = body.next as unknown as { action: string; filter: object; cursor: string };
    expect(next).to.include({ action: 'retry' });
    for (const change of [
      { action: 'delete' },
      { filter: { ...next.filter, queue: ['fast'] } },
      { filter: { queue: ['slow'] } },
    ]) {
      const refused = await ask(app, '/tasks/actions', { body: { ...next, ...change } });
      expect([refused.status, refused.body.errors[0]?.pointer], JSON.stringify(change)).to.deep.equal([400, '/cursor']);
    }
  });
});
