import { expect } from 'chai';
import { v4 } from 'uuid';
import type { TaskDocument } from '../../../src/store/mongo/task-documents.js';
import { mongoUnderTest } from './mongo-under-test.js';
import { accept, newTask, startAll, WORKER } from './support.js';

describe('A start in MongoDB', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  beforeEach(() => under.clear());

  it('is never before its task was ready, though the command that found it came before that', async () => {
    const { tasks } = under.store();
    const [a, b] = await accept(under.store(), newTask(), newTask());
    // A command that came a minute ago and waited for a lock since.
    const readyAt = new Date(Date.now() + 60_000);
    await under.db().collection<TaskDocument>('tasks').updateMany({}, { $set: { readyAt } });
    const one = await tasks.startBest(['default'], { ...WORKER, token: v4() });
    expect([one?.id, one?.startedAt, one?.run?.at]).to.deep.equal([a!.id, readyAt, readyAt]);
    await startAll(under.store(), [b!]);
    expect((await tasks.get(b!.id))?.startedAt).to.deep.equal(readyAt);
  });
});
