import { expect } from 'chai';

import type { Reader } from '../../../../src/api/events/reader.js';
import { Ring } from '../../../../src/api/events/ring.js';
import { TaskWatch } from '../../../../src/api/events/task-watch.js';
import type { Task } from '../../../../src/core/task.js';
import { silentLog } from '../../../../src/process/log.js';
import { someEvent, someTask, summaries } from '../../../support/events.js';
import { settled } from '../../../support/virtual-time.js';

/** The stream of task 1; the database answers when it is let. */
function setUp() {
  const ring = new Ring('a1', { ringEvents: 100, ringBytes: 1e6 });
  let text = '';
  let finished = false;
  const answers: { give(task: Task | undefined): Promise<void>; fail(): Promise<void> }[] = [];
  const reader = {
    offer: (bytes: Buffer) => {
      if (!finished) text += bytes.toString();
    },
    finish: () => (finished = true),
  } as unknown as Reader;
  const read = (): Promise<Task | undefined> =>
    new Promise((resolve, reject) =>
      answers.push({
        give: task => (resolve(task), settled()),
        fail: () => (reject(new Error('away')), settled()),
      }),
    );
  const watch = new TaskWatch({ id: someTask(1).id, reader, read, position: () => ring.position, log: silentLog });
  const hear = (change: Partial<Task>, n = 1): void => watch.take(ring.add(someEvent(n, change)));
  return { watch, ring, hear, answers, told: () => summaries(text), finished: () => finished };
}

describe('Following one task', () => {
  it('begins with its record, and what is heard meanwhile comes after it', async () => {
    const { watch, hear, answers, told } = setUp();
    watch.look();
    hear({ state: 'running' });
    hear({ state: 'running' }, 2);
    expect(told()).to.deep.equal([]);
    await answers[0]!.give(someTask(1, { state: 'waiting', attempt: 0 }));
    expect(told()).to.deep.equal(['1 waiting', '1 running']);
  });

  it('leaves out what is older than the record, and what was told', async () => {
    const { watch, hear, answers, told } = setUp();
    watch.look();
    hear({ state: 'waiting', attempt: 0 });
    hear({ state: 'running' });
    await answers[0]!.give(someTask(1, { state: 'running' }));
    hear({ state: 'running' });
    hear({ state: 'canceling' });
    hear({ state: 'running' });
    expect(told()).to.deep.equal(['1 running', '1 canceling']);
  });

  it('shows how far its body is', async () => {
    const { watch, ring, answers, told } = setUp();
    const progress = [{ code: 'x', message: 'x', done: 1, total: 2, suffix: null, state: 'running' as const }];
    watch.look();
    await answers[0]!.give(someTask(1, { progress }));
    watch.take(ring.add(someEvent(1, {}, { kind: 'progress', progress })));
    expect(told()).to.deep.equal(['1 progress', '1 running', '1 progress']);
  });

  it('ends with its end, be it told or read', async () => {
    const heard = setUp();
    heard.hear({ state: 'failed' });
    expect([heard.told(), heard.finished()]).to.deep.equal([['1 failed'], true]);
    const read = setUp();
    read.watch.look();
    await read.answers[0]!.give(someTask(1, { state: 'completed' }));
    expect([read.told(), read.finished()]).to.deep.equal([['1 completed'], true]);
  });

  it('ends where the task is gone', async () => {
    const { watch, answers, told, finished } = setUp();
    watch.look();
    await answers[0]!.give(undefined);
    expect([told(), finished()]).to.deep.equal([[], true]);
  });

  it('reads again where events may be missing, once for several reasons, and goes on when that fails', async () => {
    const { watch, ring, hear, answers, told } = setUp();
    hear({ state: 'running' });
    watch.take(ring.resync('dropped'));
    watch.take(ring.resync('dropped'));
    watch.take(ring.resync('connection'));
    hear({ state: 'canceling' });
    expect(answers).to.have.length(1);
    await answers[0]!.fail();
    expect(answers, 'what came meanwhile is asked for').to.have.length(2);
    await answers[1]!.fail();
    expect(told()).to.deep.equal(['1 running', 'resync dropped', 'resync dropped', 'resync connection', '1 canceling']);
    watch.look();
    await answers[2]!.give(someTask(1, { state: 'canceled' }));
    expect(told().at(-1)).to.equal('1 canceled');
  });

  it('follows the record where a start was given back', async () => {
    const { watch, hear, answers, told } = setUp();
    hear({ state: 'running' });
    watch.look();
    await answers[0]!.give(someTask(1, { state: 'waiting', attempt: 0 }));
    hear({ state: 'running' });
    expect(told()).to.deep.equal(['1 running', '1 waiting', '1 running']);
  });

  it('says it all again where it may not have arrived', async () => {
    const { watch, hear, answers, told } = setUp();
    hear({ state: 'running' });
    watch.forget();
    await answers[0]!.give(someTask(1, { state: 'running' }));
    expect(told()).to.deep.equal(['1 running', '1 running']);
  });
});
